package bridge

// lock is a mutex for what is held while a page may not read: who waits for it
// is seen to wait by testing/synctest, which a sync.Mutex's is not.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func (l lock) TryLock() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}
