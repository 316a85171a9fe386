//go:build !windows

package greeter

import "syscall"

const (
	errInUse   = syscall.EADDRINUSE
	errRefused = syscall.ECONNREFUSED
)
