// Package random is for the linter's tests.
package random

import (
	old "math/rand"
	"math/rand/v2"
)

func draw() {
	_ = rand.IntN(3)                   // want `math/rand/v2.IntN: use Env.Rand`
	rand.Shuffle(0, func(i, j int) {}) // want `math/rand/v2.Shuffle: use Env.Rand`
	_ = rand.N[int]                    // want `math/rand/v2.N: use Env.Rand`
	_ = old.Int()                      // want `math/rand.Int: use Env.Rand`
	old.Seed(1)                        // want `math/rand.Seed: use Env.Rand`
}
