package view

import "porthole/wire"

// pairs finds the connection of an event. The two ends are matched by their
// addresses. The zero value is ready.
type pairs struct {
	count   int
	known   int
	opened  int              // of which the server's end is open
	clients map[uint64]*Pair // by the client's number
	servers map[served]*Pair
	ends    map[ends]*Pair // the newest between two addresses
	numbers map[int]*Pair
	carried map[uint64]*[2]carried // by the client's number
	front   *Pair                  // by number
	back    *Pair
	newest  *Pair   // of this page
	chosen  *Pair   // the one that is followed: it is not forgotten
	joined  []*Pair // each with what it took over, since the last layout
}

// ends are the addresses of a connection.
type ends struct{ client, server string }

// served is a server's end. An address pair comes back with another number
// when a port is used again.
type served struct {
	ends
	conn uint64
}

// keys are where a pair is found.
type keys struct {
	client uint64
	served served
	ends   ends
	own    bool // client counts
	server bool // served does
	both   bool // ends does
}

// of finds the pair of an event whose source is new, or of a new connection.
func (s *pairs) of(e *wire.Event) *Pair {
	if s.ends == nil {
		s.servers, s.ends, s.numbers = map[served]*Pair{}, map[ends]*Pair{}, map[int]*Pair{}
	}
	if s.clients == nil {
		s.clients = map[uint64]*Pair{}
	}
	if e.Side == wire.Server {
		return s.server(e)
	}
	return s.client(e)
}

// server finds the pair of a server's event. The first one of a connection
// belongs to the client between the same addresses, if that has come already.
func (s *pairs) server(e *wire.Event) *Pair {
	at := ends{client: e.Remote, server: e.Local}
	key := served{at, e.Conn}
	if p := s.servers[key]; p != nil && e.Kind != wire.Connection {
		return p.whole()
	}
	p := s.ends[at]
	if p != nil {
		p = p.whole()
	}
	if p == nil || p.Server.Seen {
		p = s.add()
		s.between(at, p)
	}
	s.servers[key] = p
	p.keys.served, p.keys.server = key, true
	return p
}

func (s *pairs) between(at ends, p *Pair) {
	s.ends[at] = p
	p.keys.ends, p.keys.both = at, true
}

// client finds the pair of an event of ours. It is known by its number before
// it has addresses; when it has, the server may have told of it already.
func (s *pairs) client(e *wire.Event) *Pair {
	p := s.clients[e.Conn]
	if p == nil {
		p = s.add()
		s.clients[e.Conn] = p
		p.keys.client, p.keys.own = e.Conn, true
		p.carried = s.carriedOf(e.Conn)
		was := s.newest
		if s.newest = p; was != nil {
			s.forget(was)
		}
	}
	if e.Local == "" || p.Client.Local != "" {
		return p
	}
	at := ends{client: e.Local, server: e.Remote}
	if other := s.ends[at]; other != nil && other.whole() != p && other.whole().awaits(e) {
		s.join(p, other.whole())
	}
	s.between(at, p)
	return p
}

// awaits tells whether a pair of which only the server was seen is the one of
// this client's event, and not one that was over before.
func (p *Pair) awaits(e *wire.Event) bool {
	return !p.Client.Seen && (!p.Server.Closed() || p.Server.ended >= e.Start)
}

// join lets p take over what was seen of its server's end.
func (s *pairs) join(p, other *Pair) {
	low, high := p, other
	if other.Number < p.Number {
		low, high = other, p
	}
	if high.Number == s.count {
		s.count--
	}
	delete(s.numbers, high.Number)
	number, prev := low.Number, low.prev
	s.unlink(p)
	s.unlink(other)
	p.Number = number
	s.link(p, prev)
	s.numbers[number] = p

	p.Server = other.Server
	p.keys.served, p.keys.server = other.keys.served, other.keys.server
	p.rows += other.rows
	other.same = p
	if s.chosen == other {
		s.chosen = p
	}
	s.joined = append(s.joined, p, other)
}

func (s *pairs) add() *Pair {
	s.count++
	p := &Pair{Number: s.count}
	s.numbers[p.Number] = p
	s.link(p, s.back)
	return p
}

// link puts a pair behind another, nil for the front.
func (s *pairs) link(p, prev *Pair) {
	s.known++
	p.prev = prev
	if prev == nil {
		p.next, s.front = s.front, p
	} else {
		p.next, prev.next = prev.next, p
	}
	if p.next == nil {
		s.back = p
	} else {
		p.next.prev = p
	}
}

func (s *pairs) unlink(p *Pair) {
	s.known--
	if p.prev == nil {
		s.front = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		s.back = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// forget lets go of a pair that has no rows, but for those of ours that may go
// on, and for what the page shows.
func (s *pairs) forget(p *Pair) {
	if p.rows > 0 || p.lost || p == s.newest || p == s.chosen || p.keys.own && !p.Client.Closed() && p.gone == 0 {
		return
	}
	p.lost = true
	s.opened -= p.serves()
	s.unlink(p)
	delete(s.numbers, p.Number)
	if k := p.keys; k.own && s.is(s.clients[k.client], p) {
		delete(s.clients, k.client)
		delete(s.carried, k.client)
	}
	if k := p.keys; k.server && s.is(s.servers[k.served], p) {
		delete(s.servers, k.served)
	}
	if k := p.keys; k.both && s.is(s.ends[k.ends], p) {
		delete(s.ends, k.ends)
	}
}

func (s *pairs) is(found, p *Pair) bool { return found != nil && found.whole() == p }

// restart notes that the page's sockets are another session's from now on. What
// the old ones did since the moment is not known.
func (s *pairs) restart(moment int64) {
	s.clients, s.carried = nil, nil
	for p := s.front; p != nil; {
		next := p.next
		if p.keys.own && p.gone == 0 && !p.Client.Closed() {
			s.opened -= p.serves()
			p.gone = moment
			s.forget(p)
		}
		p = next
	}
}

// maxCarried bounds for how many sockets messages are remembered of which no
// event has come.
const maxCarried = 64

// carriedOf is what is known of the messages of our socket with that number.
func (s *pairs) carriedOf(conn uint64) *[2]carried {
	c := s.carried[conn]
	if c != nil {
		return c
	}
	if s.carried == nil {
		s.carried = map[uint64]*[2]carried{}
	}
	if len(s.carried) >= len(s.clients)+maxCarried {
		for conn := range s.carried {
			if s.clients[conn] == nil {
				delete(s.carried, conn)
			}
		}
	}
	c = new([2]carried)
	s.carried[conn] = c
	return c
}

// serves is 1 if the pair's server's end is open.
func (p *Pair) serves() int {
	if p.Server.Seen && !p.Server.Closed() && p.gone == 0 {
		return 1
	}
	return 0
}
