package main

import "syscall"

// dieWithUs is for when we are killed: the process is then, too.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
