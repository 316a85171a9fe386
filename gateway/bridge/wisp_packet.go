package bridge

import (
	"encoding/binary"

	"porthole/wire"
)

// Wisp has one packet in a binary message: a byte that says what it is, the stream
// that it is about, and what belongs to that. Numbers are little-endian. Stream 0 is
// the WebSocket.
const (
	wispConnect  = 0x01
	wispData     = 0x02
	wispContinue = 0x03
	wispClose    = 0x04
	wispInfo     = 0x05 // v2

	wispHead = 1 + 4 // bytes

	// wispMost bounds a packet that is not of data, whose names it has.
	wispMost = 4 << 10
)

// Why a stream is closed, or on stream 0 the WebSocket.
const (
	wispUnspecified  = 0x01
	wispVoluntary    = 0x02
	wispNetwork      = 0x03
	wispIncompatible = 0x04
	wispInvalid      = 0x41
	wispUnreachable  = 0x42
	wispNoAnswer     = 0x43
	wispRefused      = 0x44
	wispTimeout      = 0x47
	wispBlocked      = 0x48
	wispThrottled    = 0x49
	wispFault        = 0x81 // the client's
	wispBadPassword  = 0xc0
	wispNoPassword   = 0xc2
)

// wispReasons are what failures are called, by their POSIX name; others are the
// network's.
var wispReasons = map[string]byte{
	"EACCES": wispBlocked,
	"EAGAIN": wispThrottled, "EMFILE": wispThrottled, "ENFILE": wispThrottled, "ENOMEM": wispThrottled,
	"ECONNREFUSED": wispRefused,
	"EHOSTUNREACH": wispUnreachable, "ENETUNREACH": wispUnreachable, "EHOSTDOWN": wispUnreachable, "ENETDOWN": wispUnreachable,
	"ENOTFOUND": wispUnreachable, "EAI_AGAIN": wispUnreachable, "ENOENT": wispUnreachable,
	"EINVAL":    wispInvalid,
	"ETIMEDOUT": wispTimeout,
}

// wispReason is what a failure is called.
func wispReason(f *wire.Failure) byte {
	reason, ok := wispReasons[f.Code]
	switch {
	case !ok:
		return wispNetwork
	case reason == wispTimeout && f.Phase <= wire.PhaseDial:
		return wispNoAnswer
	}
	return reason
}

// wispFrame is a packet of ours, as a frame.
func wispFrame(kind byte, id uint32, body ...byte) []byte {
	b := make([]byte, room, room+wispHead+len(body))
	b = append(binary.LittleEndian.AppendUint32(append(b, kind), id), body...)
	return b[putHead(b, room, opBinary):]
}

// wispContinueFrame sets how many packets of a stream may come.
func wispContinueFrame(id, packets uint32) []byte {
	return wispFrame(wispContinue, id, binary.LittleEndian.AppendUint32(nil, packets)...)
}

// parseWispHead splits a packet.
func parseWispHead(p []byte) (kind byte, id uint32, body []byte, err error) {
	if len(p) < wispHead {
		return 0, 0, nil, broken("Wisp: a packet has a head of five bytes")
	}
	return p[0], binary.LittleEndian.Uint32(p[1:]), p[wispHead:], nil
}

// parseWispConnect reads whereto; ok is false for what is not TCP, or nowhere.
func parseWispConnect(body []byte) (host string, port uint16, ok bool) {
	const tcp = 1
	if len(body) < 4 || body[0] != tcp {
		return "", 0, false
	}
	host, port = string(body[3:]), binary.LittleEndian.Uint16(body[1:])
	return host, port, port != 0
}

// Extensions of v2.
const (
	wispPassword     = 0x02
	wispConfirmation = 0x05 // a stream that is open is told of
)

// wispVersion is ours, major and minor.
var wispVersion = [...]byte{2, 0}

// wispExtension is one that an end of the connection has, in its INFO.
func wispExtension(id byte, body ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{id}, uint32(len(body))), body...)
}

// parseWispInfo reads a client's INFO into its extensions, by number. It is nil for
// what is none of v2.
func parseWispInfo(body []byte) map[byte][]byte {
	if len(body) < len(wispVersion) || body[0] != wispVersion[0] {
		return nil
	}
	list := map[byte][]byte{}
	for b := body[len(wispVersion):]; len(b) > 0; {
		if len(b) < 5 || uint64(binary.LittleEndian.Uint32(b[1:])) > uint64(len(b)-5) {
			return nil
		}
		n := 5 + int(binary.LittleEndian.Uint32(b[1:]))
		list[b[0]] = b[5:n]
		b = b[n:]
	}
	return list
}

// parseWispPassword reads the length of a user's name, the name, and a password. In
// clients of an earlier draft a second length, of two bytes, stands before the name:
// it is known by that both lengths add up, which those of text as short as this
// cannot by chance.
func parseWispPassword(b []byte) (user, password string, ok bool) {
	if len(b) == 0 {
		return "", "", false
	}
	name, rest := int(b[0]), b[1:]
	if len(rest) >= 2 && len(rest)-2 == name+int(binary.LittleEndian.Uint16(rest)) {
		rest = rest[2:]
	}
	if name > len(rest) {
		return "", "", false
	}
	return string(rest[:name]), string(rest[name:]), true
}
