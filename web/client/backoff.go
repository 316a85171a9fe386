package client

// Backoff is how long to wait before the next try to reach a gateway: doubled
// each time, and different for each page, so that a gateway that comes back is
// not met by all of them at once. The zero value is ready.
type Backoff struct {
	tries int
}

const (
	firstWait = 250 // ms
	lastWait  = 10_000
)

// Next is the next wait in ms. random is a number in [0,1).
func (b *Backoff) Next(random float64) int {
	wait := min(firstWait<<min(b.tries, 16), lastWait)
	b.tries++
	return wait/2 + int(random*float64(wait/2))
}

// Reset starts over: the gateway answered.
func (b *Backoff) Reset() { b.tries = 0 }
