// Package elsewhere is for the linter's tests.
package elsewhere

import "time"

var started = time.Now()
