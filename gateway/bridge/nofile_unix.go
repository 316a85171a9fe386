//go:build unix

package bridge

import "syscall"

// reserve is how many descriptors are not for sessions: listeners, logs, lookups.
const reserve = 64

// sessionsByDescriptors is how many sessions of one socket the process may hold.
func sessionsByDescriptors() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return -1 // the kernel says when it is enough
	}
	return max(1, (int(min(uint64(l.Cur), 1<<30))-reserve)/2)
}
