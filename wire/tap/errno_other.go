//go:build !unix

package tap

import "syscall"

// Winsock's numbers (winerror.h) for what POSIX names.
func errnoName(e syscall.Errno) string {
	switch e {
	case 5, 10013:
		return "EACCES"
	case 2, 3:
		return "ENOENT"
	case 10022:
		return "EINVAL"
	case 10024:
		return "EMFILE"
	case 10038:
		return "ENOTSOCK"
	case 10047:
		return "EAFNOSUPPORT"
	case 10048:
		return "EADDRINUSE"
	case 10049:
		return "EADDRNOTAVAIL"
	case 10050:
		return "ENETDOWN"
	case 10051:
		return "ENETUNREACH"
	case 10053:
		return "ECONNABORTED"
	case 10054:
		return "ECONNRESET"
	case 10055:
		return "ENOBUFS"
	case 10057:
		return "ENOTCONN"
	case 10058, 109, 232:
		return "EPIPE"
	case 10060:
		return "ETIMEDOUT"
	case 10061, 1225:
		return "ECONNREFUSED"
	case 10064:
		return "EHOSTDOWN"
	case 10065:
		return "EHOSTUNREACH"
	}
	return ""
}
