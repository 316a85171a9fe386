package bridge

import (
	"net"
	"slices"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// option sets an option, or keeps it until there is a socket.
func (st *stream) option(o wire.Option) {
	const maxOptions = 16 // names, far more than there are
	if st.conn != nil {
		setOption(st.conn, o)
		return
	}
	st.waits = slices.DeleteFunc(st.waits, func(was wire.Option) bool { return was.Name == o.Name })
	if len(st.waits) < maxOptions {
		st.waits = append(st.waits, o)
	}
}

// setOption sets what the socket knows; another kind of socket has none.
func setOption(c net.Conn, o wire.Option) {
	if t, ok := c.(*tap.Conn); ok {
		c = t.Conn
	}
	switch o.Name {
	case wire.OptionNoDelay:
		if c, ok := c.(interface{ SetNoDelay(bool) error }); ok {
			_ = c.SetNoDelay(o.Value != 0)
		}
	case wire.OptionKeepAlive:
		if c, ok := c.(interface {
			SetKeepAliveConfig(net.KeepAliveConfig) error
		}); ok {
			_ = c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: o.Value != 0, Idle: time.Duration(o.Value) * time.Millisecond})
		}
	}
}
