package capture

import "strings"

// Base64 as encoding/json has it (RFC 4648 §4), which would add 4 KB to the
// page with all its variants.
const sextets = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func appendBase64(b, data []byte) []byte {
	for ; len(data) > 0; data = data[min(3, len(data)):] {
		var three [3]byte
		n := copy(three[:], data)
		bits := uint(three[0])<<16 | uint(three[1])<<8 | uint(three[2])
		four := [4]byte{sextets[bits>>18], sextets[bits>>12&63], '=', '='}
		if n > 1 {
			four[2] = sextets[bits>>6&63]
		}
		if n > 2 {
			four[3] = sextets[bits&63]
		}
		b = append(b, four[:]...)
	}
	return b
}

// parseBase64 reads it with its padding; line ends do not count.
func parseBase64(text string) (data []byte, ok bool) {
	data = []byte{}
	var bits, digits, pads uint
	for _, c := range []byte(text) {
		if c == '\r' || c == '\n' {
			continue
		}
		d := strings.IndexByte(sextets, c)
		switch {
		case c == '=' && digits%4 >= 2:
			pads, d = pads+1, 0
		case d < 0 || pads > 0:
			return nil, false
		}
		bits, digits = bits<<6|uint(d), digits+1
		if digits%4 == 0 {
			data = append(data, byte(bits>>16), byte(bits>>8), byte(bits))
		}
	}
	return data[:len(data)-int(min(pads, uint(len(data))))], digits%4 == 0
}
