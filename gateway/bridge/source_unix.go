//go:build unix

package bridge

import "syscall"

// readable is whether a connection's descriptor can be read from.
const readable = true

// readFD is read(2), without waiting.
func readFD(fd uintptr, p []byte) (int, error) {
	for {
		if n, err := syscall.Read(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// writeFD is write(2), without waiting.
func writeFD(fd uintptr, p []byte) (int, error) {
	for {
		if n, err := syscall.Write(int(fd), p); err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
