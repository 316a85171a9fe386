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

	// quick is for the first who asks: 0.1 s for a program of 2.7 MB. best is for
	// releases: it takes 5 s and saves an eighth more.
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
	coding  string
	content func() content // made when it is first asked for, if need be
}

// content is what is sent, or nothing if that would be no less than the bytes as
// they are.
type content struct {
	etag string // a hash of body, quoted: strong, so ranges may rely on it
	body []byte
}

func newContent(body []byte) content {
	return content{fmt.Sprintf(`"%x"`, sha256.Sum256(body)), body}
}

// encode returns every file in all forms: the smallest coding first, the bytes as
// they are last. Forms that files does not hold are made at quick levels.
func encode(files map[string][]byte) map[string][]form {
	encoded := make(map[string][]form)
	for name, plain := range files {
		if isEncoded(name, files) {
			continue
		}
		for _, c := range codings {
			encoded[name] = append(encoded[name], form{c.name, sync.OnceValue(func() content {
				body, ok := files[name+c.suffix]
				if !ok {
					body = compress(c.quick, plain)
				}
				if len(body) >= len(plain) {
					return content{}
				}
				return newContent(body)
			})})
		}
		asIs := newContent(plain)
		encoded[name] = append(encoded[name], form{identity, func() content { return asIs }})
	}
	return encoded
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
func choose(forms []form, accept string) (coding string, chosen content) {
	most := 0.0
	coding, chosen = identity, unencoded(forms)
	for _, f := range forms {
		if q := quality(accept, f.coding); q > most {
			if c := f.content(); c.body != nil {
				coding, chosen, most = f.coding, c, q
			}
		}
	}
	return coding, chosen
}

// unencoded is the bytes as they are.
func unencoded(forms []form) content { return forms[len(forms)-1].content() }

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
