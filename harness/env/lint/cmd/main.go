// Command cmd checks that recipes touch env alone:
//
//	go run ./harness/env/lint/cmd ./workloads/...
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"riven/harness/env/lint"
)

func main() { singlechecker.Main(lint.Analyzer) }
