//go:build !unix

package bridge

import "syscall"

// readable: there are no such calls. Connections are read from as package net
// does.
const readable = false

func readFD(uintptr, []byte) (int, error)  { return 0, syscall.EINVAL }
func writeFD(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
