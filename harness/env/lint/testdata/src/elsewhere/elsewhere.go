package elsewhere

import "time"

var started = time.Now()
