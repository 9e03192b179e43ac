package checkers

import (
	"hash/maphash"
	"math/bits"

	"riven/harness/history"
)

// holdTable numbers holds from 0, in the order in which they first come. A map would do, and cost several times as much as all the rest
// where there are a hundred thousand of them, as in a long run.
type holdTable struct {
	h     []history.Event
	seed  maphash.Seed
	slots []holdSlot // a power of two of them, half of them free
	first []int32    // by number: the position of the event that had the hold first
}

type holdSlot struct {
	hash   uint32
	number int32 // + 1; 0: the slot is free
}

// newHoldTable has room for a hold in five events, which are what one hold with one access makes.
func newHoldTable(h []history.Event) *holdTable {
	holds := len(h) / 5
	return &holdTable{h: h, seed: maphash.MakeSeed(), slots: make([]holdSlot, 1<<bits.Len(uint(2*holds))), first: make([]int32, 0, holds)}
}

// number of the hold of the event at that position, which gets one if it has none.
func (t *holdTable) number(at int32) int32 {
	hold := t.h[at].Hold
	hash := uint32(maphash.String(t.seed, hold))
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for ; t.slots[i].number != 0; i = (i + 1) & mask {
		if n := t.slots[i].number - 1; t.slots[i].hash == hash && t.h[t.first[n]].Hold == hold {
			return n
		}
	}
	n := int32(len(t.first))
	t.slots[i] = holdSlot{hash, n + 1}
	if t.first = append(t.first, at); 2*len(t.first) > len(t.slots) {
		t.grow()
	}
	return n
}

func (t *holdTable) grow() {
	old := t.slots
	t.slots = make([]holdSlot, 4*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].number != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}
