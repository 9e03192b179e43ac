package conformance

import (
	"fmt"
	"slices"
)

// Shrink leaves of a script what two worlds still differ over: no single step of what is left can go. differ plays
// scripts in both and tells over which they differ; it gets many at once, for a real ensemble is dear to start. Steps
// are taken out in ever smaller pieces (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
// 2002: complements alone), answers that the script allowed go with them.
func Shrink(s Script, differ func([]Script) ([]bool, error)) (Script, error) {
	for size := (len(s.Steps) + 1) / 2; size > 0; {
		var tries []Script
		for from := 0; from < len(s.Steps); from += size {
			try := s
			try.Steps = slices.Delete(slices.Clone(s.Steps), from, min(from+size, len(s.Steps)))
			if len(try.Steps) > 0 {
				tries = append(tries, try)
			}
		}
		which, err := differ(tries)
		if err != nil {
			return s, fmt.Errorf("shrink %q from %d steps: %w", s.Name, len(s.Steps), err)
		}
		switch i := slices.Index(which, true); {
		case i >= 0:
			s = tries[i]
			size = min(size, (len(s.Steps)+1)/2)
		default:
			size /= 2
		}
	}
	return s, nil
}
