//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

const (
	// period is a prime, so that blocks of any usual size that are lost, doubled
	// or swapped do not look right by chance.
	period = 65521
	// maxChunk is how long a piece of the pattern may be.
	maxChunk = 64 << 10
)

// mask is the WebSocket mask of a piece that starts at a position which is a
// multiple of four. None of its bytes is zero, so it masks all of them.
var mask = [4]byte{0x9d, 0x37, 0xe1, 0x5b}

// pattern is what all streams carry: the byte at a position depends on the
// position, and any piece of it is a slice, plain or masked already, so neither
// sending nor checking costs the client more than a copy and a comparison.
type pattern struct {
	plain, masked []byte
}

func newPattern() *pattern {
	p := &pattern{make([]byte, period+maxChunk), make([]byte, period+maxChunk)}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range p.plain {
		if i < period {
			p.plain[i] = byte(random.Uint32())
		} else {
			p.plain[i] = p.plain[i-period]
		}
		p.masked[i] = p.plain[i] ^ mask[i%4]
	}
	return p
}

// at is the piece of n bytes that starts at a position.
func (p *pattern) at(pos uint64, n int) []byte {
	i := int(pos % period)
	return p.plain[i : i+n]
}

// maskedAt is the same piece masked, and the key that a frame needs which has it
// behind a head of that many bytes.
func (p *pattern) maskedAt(pos uint64, n, head int) (piece []byte, key [4]byte) {
	i := int(pos % period)
	for j := range key {
		key[j] = mask[(i+j-head+4*head)%4]
	}
	return p.masked[i : i+n], key
}

// check compares what arrived at a position with what was sent there.
func (p *pattern) check(pos uint64, got []byte) error {
	for len(got) > 0 {
		n := min(len(got), maxChunk)
		if want := p.at(pos, n); !bytes.Equal(got[:n], want) {
			for i := range n {
				if got[i] != want[i] {
					return fmt.Errorf("byte %d is wrong: got %#x, want %#x", pos+uint64(i), got[i], want[i])
				}
			}
		}
		got, pos = got[n:], pos+uint64(n)
	}
	return nil
}
