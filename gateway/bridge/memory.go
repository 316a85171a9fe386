package bridge

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// pressed tells whether the process holds four fifths of the memory that it may
// have (GOMEMLIMIT, debug.SetMemoryLimit). What the last collection left counts,
// and not what has become garbage since: a collector that knows the limit lets
// that grow up to it.
func pressed() bool {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 { // none was set
		return false
	}
	const total, live = 0, 1 // the others are the heap, as it is now
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	held := s[total].Value.Uint64() + s[live].Value.Uint64()
	for _, heap := range s[live+1:] {
		held -= heap.Value.Uint64()
	}
	return held > uint64(limit)/5*4
}
