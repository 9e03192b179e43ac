package network

// packet is one of a connection: a message, or its end.
type packet[M any] struct {
	m   M
	fin bool
}

// fifo is packets in order. It keeps its room: connections are few and their packets many.
type fifo[M any] struct {
	items []packet[M]
	first int // of items that has not been taken
}

func (f *fifo[M]) empty() bool { return f.first == len(f.items) }

// emptied is the room alone.
func (f *fifo[M]) emptied() fifo[M] { return fifo[M]{items: f.items[:0]} }

// waiting are those that have not been taken, oldest first.
func (f *fifo[M]) waiting() []packet[M] { return f.items[f.first:] }

// push makes room for one more, to be filled at once.
func (f *fifo[M]) push() *packet[M] {
	switch {
	case f.empty():
		f.items, f.first = f.items[:0], 0
	case len(f.items) == cap(f.items) && f.first > 0:
		n := copy(f.items, f.waiting())
		clear(f.items[n:])
		f.items, f.first = f.items[:n], 0
	}
	if n := len(f.items); n < cap(f.items) {
		f.items = f.items[:n+1]
	} else {
		f.items = append(f.items, packet[M]{})
	}
	return &f.items[len(f.items)-1]
}

// pop takes the oldest. It is good until the next push.
func (f *fifo[M]) pop() *packet[M] {
	p := &f.items[f.first]
	f.first++
	return p
}
