package greeter

import "syscall"

// Winsock's numbers (winerror.h), which package syscall does not name.
const (
	errInUse   = syscall.Errno(10048)
	errRefused = syscall.Errno(10061)
)
