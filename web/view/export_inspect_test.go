package view

// Chunk is bytes that are kept of a stream.
type Chunk struct {
	From uint64
	Data string
}

// Stream is one direction of a connection.
type Stream struct {
	Chunks      []Chunk
	Wrote, Read uint64
	Marks       []uint64 // as the length lens left them
	Looks       int      // how often bytes were looked up
}

// Glyph is a character and its bytes.
type Glyph struct {
	From, To uint64
	Cut      bool
	Text     string
}

// Framed is a message that was found.
type Framed struct {
	From, To uint64
	Whole    bool
	Text     string
}

func (s *Stream) stream() *stream {
	kept := func(at uint64) (uint64, []byte) {
		s.Looks++
		for _, c := range s.Chunks {
			if c.From <= at && at-c.From < uint64(len(c.Data)) {
				return c.From, []byte(c.Data)
			}
		}
		return 0, nil
	}
	return &stream{kept, s.Wrote, s.Read}
}

// Window returns the bytes of a range, and which of them are known.
func (s *Stream) Window(from, to uint64) (b, known []byte) { return s.stream().window(from, to) }

// Glyphs returns the characters of a range, and where reads cut them.
func (s *Stream) Glyphs(from, to uint64, boundaries ...uint64) ([]Glyph, []uint64) {
	glyphs := s.stream().glyphs(from, to)
	cuts := cut(glyphs, boundaries, from, to)
	var all []Glyph
	for _, g := range glyphs {
		all = append(all, Glyph{g.from, g.to, g.cut, g.text})
	}
	return all, cuts
}

// Frames returns the messages of a range.
func (s *Stream) Frames(lens Lens, from, to uint64) ([]Framed, bool) {
	m := &marks{s.Marks}
	frames, known := s.stream().frames(lens, m, from, to)
	s.Marks = m.at
	var all []Framed
	for _, f := range frames {
		all = append(all, Framed{f.from, f.to, f.whole, f.text})
	}
	return all, known
}
