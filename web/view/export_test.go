package view

// Preview is how many bytes of a row's text are shown at most.
const Preview = preview

// Pairs is how many connections the store still knows.
func (s *Store) Pairs() int {
	return max(len(s.pairs.clients), len(s.pairs.servers), len(s.pairs.ends), len(s.pairs.own))
}
