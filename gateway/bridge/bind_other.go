//go:build !linux

package bridge

import (
	"context"
	"syscall"
)

// bindUnix needs autobind, which is Linux's.
func bindUnix(context.Context, string, string, syscall.RawConn) error { return nil }

// reuse does nothing: what the option allows differs from system to system.
func reuse(syscall.RawConn) error { return nil }
