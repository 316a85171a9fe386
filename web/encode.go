package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

// identity is the content coding of bytes as they are.
const identity = "identity"

// coding is a way to make a file smaller on the wire.
type coding struct {
	name   string // as in Content-Encoding
	suffix string // of a file's encoded form, after the file's own name

	// quick is for the moment before the gateway listens: 0.1 s for a program
	// of 2.7 MB. best is for releases: it takes 5 s and saves an eighth more.
	quick, best func(io.Writer) io.WriteCloser
}

// codings are those the page is kept in, the smallest first.
var codings = [...]coding{
	{
		name: "br", suffix: ".br",
		quick: func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 5) },
		best:  func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotli.BestCompression) },
	},
	{
		name: "gzip", suffix: ".gz",
		quick: func(w io.Writer) io.WriteCloser { return gzipWriter(w, 4) },
		best:  func(w io.Writer) io.WriteCloser { return gzipWriter(w, gzip.BestCompression) },
	},
}

func gzipWriter(w io.Writer, level int) io.WriteCloser {
	zw, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		panic(err) // no such level
	}
	return zw
}

// form is a file in one coding.
type form struct {
	coding string
	etag   string // a hash of body, quoted: strong, so ranges may rely on it
	body   []byte
}

func newForm(coding string, body []byte) form {
	return form{coding, fmt.Sprintf(`"%x"`, sha256.Sum256(body)), body}
}

// encode returns every file in all forms worth sending: the smallest coding
// first, the bytes as they are last and always. Forms that files does not hold
// are made at quick levels, all at once.
func encode(files map[string][]byte) map[string][]form {
	var wg sync.WaitGroup
	encoded := make(map[string]*[len(codings)][]byte)
	for name, body := range files {
		if isEncoded(name, files) {
			continue
		}
		bodies := new([len(codings)][]byte)
		encoded[name] = bodies
		for i, c := range codings {
			if made, ok := files[name+c.suffix]; ok {
				bodies[i] = made
				continue
			}
			wg.Go(func() { bodies[i] = compress(c.quick, body) })
		}
	}
	wg.Wait()

	forms := make(map[string][]form, len(encoded))
	for name, bodies := range encoded {
		for i, body := range bodies {
			if len(body) < len(files[name]) {
				forms[name] = append(forms[name], newForm(codings[i].name, body))
			}
		}
		forms[name] = append(forms[name], newForm(identity, files[name]))
	}
	return forms
}

// isEncoded reports whether name is the encoded form of another of files.
func isEncoded(name string, files map[string][]byte) bool {
	for _, c := range codings {
		if plain, ok := strings.CutSuffix(name, c.suffix); ok {
			_, isFile := files[plain]
			return isFile
		}
	}
	return false
}

func compress(writer func(io.Writer) io.WriteCloser, body []byte) []byte {
	var out bytes.Buffer
	w := writer(&out)
	w.Write(body) // a Buffer takes everything, so neither call can fail
	w.Close()
	return out.Bytes()
}

// choose returns the form that an Accept-Encoding header prefers, and of those
// it likes equally the smallest. A header that accepts nothing we have gets the
// bytes as they are: a page is more use than an error.
func choose(forms []form, accept string) form {
	chosen, most := forms[len(forms)-1], 0.0
	for _, f := range forms {
		if q := quality(accept, f.coding); q > most {
			chosen, most = f, q
		}
	}
	return chosen
}

// quality returns the weight an Accept-Encoding header gives a coding, 0 if
// none (RFC 9110, section 12.5.3).
func quality(accept, coding string) float64 {
	others := 0.0
	for item := range strings.SplitSeq(accept, ",") {
		name, weight, weighted := strings.Cut(item, ";")
		q := 1.0
		if weighted {
			_, value, _ := strings.Cut(weight, "=")
			q, _ = strconv.ParseFloat(strings.TrimSpace(value), 64) // nonsense is 0
		}
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, coding):
			return q
		case name == "*":
			others = q
		}
	}
	return others
}

// readAll returns the contents of every file in fsys by its slash-separated
// name.
func readAll(fsys fs.FS) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	return files, err
}
