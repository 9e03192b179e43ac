package lint

import "strings"

// imports that a recipe has no use for, and what it should use instead.
var imports = map[string]string{
	"crypto/rand":       "Env.Rand",
	"golang.org/x/sys":  "Env",
	"golang.org/x/sync": "Env.Go and Env.Wait",
	"net":               "Env.Open or Env.Call",
	"os":                "Env",
	"runtime":           "Env",
	"sync":              "no lock: one task runs at a time",
	"syscall":           "Env",
	"unsafe":            "plain Go",
}

// functions of packages that are otherwise welcome.
var functions = map[string]map[string]string{
	"time": {
		"Now": "Env.Now or Env.Mono", "Since": "Env.Mono", "Until": "Env.Mono", "Sleep": "Env.Wait(Env.After(d))", "After": "Env.After",
		"AfterFunc": "Env.Go and Env.After", "Tick": "Env.After", "NewTicker": "Env.After", "NewTimer": "Env.After",
	},
	"context": {
		"WithTimeout": "Env.After", "WithTimeoutCause": "Env.After", "WithDeadline": "Env.After", "WithDeadlineCause": "Env.After",
		"AfterFunc": "Env.Go",
	},
	"reflect": {"Select": "Env.Wait"},
}

// constructors are the functions of math/rand that draw nothing from the global source.
var constructors = map[string]bool{"New": true, "NewSource": true, "NewZipf": true, "NewPCG": true, "NewChaCha8": true}

// unordered are the functions of package maps that go through a map in its own order; inside sorters it does not matter.
var (
	unordered = map[string]bool{"Keys": true, "Values": true, "All": true}
	sorters   = map[string]bool{"Sorted": true, "SortedFunc": true, "SortedStableFunc": true}
)

// forbiddenImport tells what to use instead of the package or of the one that it lies in.
func forbiddenImport(path string) (instead string, forbidden bool) {
	for p := path; ; {
		if instead, forbidden = imports[p]; forbidden {
			return instead, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return "", false
		}
		p = p[:i]
	}
}

// forbiddenFunction tells what to use instead of a package's function.
func forbiddenFunction(path, name string) (instead string, forbidden bool) {
	if path == "math/rand" || path == "math/rand/v2" {
		return "Env.Rand", !constructors[name]
	}
	instead, forbidden = functions[path][name]
	return instead, forbidden
}
