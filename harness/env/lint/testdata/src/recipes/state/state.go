// Package state is for the linter's tests.
package state

var counter int // want `package-level variable counter: incarnations would share it`

var (
	cache       = map[string]int{} // want `package-level variable cache: incarnations would share it`
	left, right *int               // want `package-level variable left` `package-level variable right`
)

func init() { counter++ } // want `init runs once for all incarnations`
