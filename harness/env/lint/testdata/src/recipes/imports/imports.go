// Package imports is for the linter's tests.
package imports

import (
	_ "crypto/rand" // want `import of crypto/rand: use Env.Rand`
	_ "net"         // want `import of net: use Env.Open or Env.Call`
	_ "net/http"    // want `import of net/http: use Env.Open or Env.Call`
	_ "os"          // want `import of os: use Env`
	_ "os/exec"     // want `import of os/exec: use Env`
	_ "runtime"     // want `import of runtime: use Env`
	_ "sync"        // want `import of sync: use no lock`
	_ "sync/atomic" // want `import of sync/atomic: use no lock`
	_ "syscall"     // want `import of syscall: use Env`
	_ "unsafe"      // want `import of unsafe: use plain Go`
)
