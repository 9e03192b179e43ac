package kernel

import "time"

// mix is the finaliser of SplitMix64: every bit of the result depends on every bit of v.
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// Draw is the n-th number of the stream. It depends on nothing else, so what happens elsewhere does not change it.
func (k *Kernel) Draw(stream, n uint64) uint64 { return mix(mix(k.seed^stream<<20) ^ n) }

// Between is a time from lo up to hi, the n-th of the stream.
func (k *Kernel) Between(stream, n uint64, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(k.Draw(stream, n)%uint64(hi-lo+1))
}
