package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports what a recipe must not touch. Its flag "packages" lists the import path prefixes, separated by
// commas, of the packages that it looks at; their test files are exempt.
var Analyzer = newAnalyzer("riven/workloads/")

func newAnalyzer(packages string) *analysis.Analyzer {
	a := &analysis.Analyzer{
		Name: "recipe",
		Doc:  "report what a recipe must not touch: it runs against harness/env alone, or it can not be simulated",
	}
	a.Flags.StringVar(&packages, "packages", packages, "comma-separated `prefixes` of the import paths to look at")
	a.Run = func(pass *analysis.Pass) (any, error) {
		if !inScope(pass.Pkg.Path(), packages) || isTestMain(pass.Pkg) {
			return nil, nil
		}
		for _, f := range pass.Files {
			if strings.HasSuffix(pass.Fset.Position(f.Package).Filename, "_test.go") {
				continue
			}
			v := &visitor{pass: pass, sorted: map[*ast.Ident]bool{}}
			ast.Inspect(f, v.visit)
		}
		return nil, nil
	}
	return a
}

func inScope(path, prefixes string) bool {
	for p := range strings.SplitSeq(prefixes, ",") {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// isTestMain tells whether the package is the main package that go test writes.
func isTestMain(p *types.Package) bool {
	return p.Name() == "main" && strings.HasSuffix(p.Path(), ".test")
}

// visitor looks at one file.
type visitor struct {
	pass   *analysis.Pass
	sorted map[*ast.Ident]bool // functions whose result is the argument of a sorter
}

func (v *visitor) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Name.Name == "init" && n.Recv == nil {
			v.report(n, "init runs once for all incarnations: a recipe starts in its constructor")
		}
	case *ast.ImportSpec:
		v.imported(n)
	case *ast.GenDecl:
		return v.declared(n)
	case *ast.CallExpr:
		v.called(n)
	case *ast.Ident:
		v.used(n)
	case *ast.GoStmt:
		v.report(n, "go statement: use Env.Go")
	case *ast.SelectStmt:
		v.report(n, "select: use Env.Wait")
	case *ast.ChanType:
		v.report(n, "channel: use Env.Cond")
	case *ast.SendStmt:
		v.report(n, "channel send: use Env.Cond")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			v.report(n, "channel receive: use Env.Wait")
		}
	case *ast.RangeStmt:
		v.ranged(n)
	}
	return true
}

func (v *visitor) imported(n *ast.ImportSpec) {
	path, err := strconv.Unquote(n.Path.Value)
	if err != nil {
		return // the compiler's business
	}
	if instead, forbidden := forbiddenImport(path); forbidden {
		v.report(n, "import of "+path+": use "+instead)
	}
}

// declared reports variables at package level: incarnations share them. Error values, embedded files (which
// nobody can change) and interface checks are none.
func (v *visitor) declared(n *ast.GenDecl) bool {
	if n.Tok != token.VAR {
		return true
	}
	for _, s := range n.Specs {
		for _, name := range s.(*ast.ValueSpec).Names {
			obj := v.pass.TypesInfo.Defs[name]
			if name.Name == "_" || obj == nil || obj.Parent() != v.pass.Pkg.Scope() || isError(obj.Type()) || obj.Type().String() == "embed.FS" {
				continue
			}
			v.report(name, "package-level variable "+name.Name+": incarnations would share it; use a constant, a function or a field")
		}
	}
	return true
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// called remembers the arguments of sorters.
func (v *visitor) called(n *ast.CallExpr) {
	if f := v.function(n.Fun); f != nil && f.Pkg().Path() == "slices" && sorters[f.Name()] && len(n.Args) > 0 {
		if arg, ok := ast.Unparen(n.Args[0]).(*ast.CallExpr); ok {
			v.sorted[identOf(arg.Fun)] = true
		}
	}
}

// used reports functions that are called or taken as values.
func (v *visitor) used(n *ast.Ident) {
	f, ok := v.pass.TypesInfo.Uses[n].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return
	}
	path, name := f.Pkg().Path(), f.Name()
	if path == "maps" && unordered[name] && !v.sorted[n] {
		v.report(n, "maps."+name+" in the map's own order: put it into slices.Sorted")
	}
	if instead, forbidden := forbiddenFunction(path, name); forbidden {
		v.report(n, path+"."+name+": use "+instead)
	}
}

func (v *visitor) ranged(n *ast.RangeStmt) {
	t := v.pass.TypesInfo.TypeOf(n.X)
	if t == nil {
		return
	}
	switch core(t).(type) {
	case *types.Map:
		v.report(n, "range over a map: its order is random; range over slices.Sorted(maps.Keys(m))")
	case *types.Chan:
		v.report(n, "range over a channel: use Env.Wait")
	}
}

// core is the underlying type; for a type parameter that can be ranged over, the one that its types have in common.
func core(t types.Type) types.Type {
	switch u := t.Underlying().(type) {
	case *types.Interface:
		if u.NumEmbeddeds() > 0 {
			return core(u.EmbeddedType(0))
		}
	case *types.Union:
		return core(u.Term(0).Type())
	}
	return t.Underlying()
}

// function is the package function that an expression names, or nil.
func (v *visitor) function(e ast.Expr) *types.Func {
	f, ok := v.pass.TypesInfo.Uses[identOf(e)].(*types.Func)
	if !ok || f.Pkg() == nil {
		return nil
	}
	return f
}

// identOf is the last name of an expression that may be qualified or instantiated; nil if it has none.
func identOf(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return identOf(e.X)
	case *ast.IndexListExpr:
		return identOf(e.X)
	}
	return nil
}

func (v *visitor) report(n ast.Node, message string) { v.pass.Reportf(n.Pos(), "%s", message) }
