//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// look is what is seen at one time.
type look struct {
	name             string
	rss, kernel      float64 // of the gateway; of all TCP of this machine
	gateway, greeter int     // descriptors
}

// look looks once memory has settled.
func (s *soak) look(name string) error {
	if _, err := s.settled(); err != nil {
		return err
	}
	return s.glance(name)
}

// none is a look after all that was since the first look must be gone.
func (s *soak) none(name string) error {
	if err := errors.Join(
		s.await("the gateway", s.process, s.looks[0].gateway),
		s.await("the greeter", s.greeter, s.looks[0].greeter),
	); err != nil {
		return err
	}
	return s.look(name)
}

func (s *soak) glance(name string) error {
	l := look{name: name}
	var errs [4]error
	l.rss, errs[0] = s.process.memory("Rss:")
	l.kernel, errs[1] = kernelTCP()
	l.gateway, errs[2] = s.process.descriptors()
	l.greeter, errs[3] = s.greeter.descriptors()
	s.looks = append(s.looks, l)
	return errors.Join(errs[:]...)
}

// await waits until a process has no more descriptors than it had.
func (s *soak) await(name string, p *process, had int) error {
	for end := time.Now().Add(3 * patience); ; {
		n, err := p.descriptors()
		if err != nil || n <= had {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s has %d descriptors, and had %d", name, n, had)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

func (p *process) descriptors() (int, error) {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	return len(all), err
}

// kernelTCP is what the kernel holds for the bytes of all TCP sockets.
func kernelTCP() (float64, error) {
	_, pages, _ := strings.Cut(fact("/proc/net/sockstat", "TCP"), "mem ")
	n, err := strconv.Atoi(pages)
	return float64(n * os.Getpagesize()), err
}

// report writes what was seen, and the error that ended it.
func (s *soak) report(w io.Writer, err error) {
	const kib, mib = 1 << 10, 1 << 20
	lines := [][]string{
		{fmt.Sprintf("%d idle, %d busy, %d slow", s.idle, s.busy, s.slow)}, {"---"},
		{"gateway, MiB RSS"}, {"the kernel for TCP, MiB"}, {"gateway, descriptors"}, {"greeter, descriptors"},
	}
	for _, l := range s.looks {
		for i, cell := range []string{l.name, "---", number(l.rss / mib), number(l.kernel / mib), strconv.Itoa(l.gateway), strconv.Itoa(l.greeter)} {
			lines[i] = append(lines[i], cell)
		}
	}
	if len(s.looks) > 0 {
		for _, line := range lines {
			row(w, line...)
		}
		fmt.Fprintln(w)
	}
	row(w, "figure", "")
	row(w, "---", "---")
	for _, share := range []struct {
		of, to string
		n      int
	}{{"all, idle", "none", len(s.guests)}, {"slow ones", "all gone", s.slow}} {
		of, to := s.seen(share.of), s.seen(share.to)
		if of == nil || to == nil || share.n == 0 {
			continue
		}
		n := kib * float64(share.n)
		row(w, "a session, "+share.of, fmt.Sprintf("%s KiB of the gateway's, %s of the kernel's", number((of.rss-to.rss)/n), number((of.kernel-to.kernel)/n)))
	}
	for _, f := range s.told {
		row(w, f[0], f[1])
	}
	said := "0"
	if err != nil {
		said = err.Error()
	}
	row(w, "errors", said)
}

// seen is the look of a name, or nil.
func (s *soak) seen(name string) *look {
	for i := range s.looks {
		if s.looks[i].name == name {
			return &s.looks[i]
		}
	}
	return nil
}
