package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"riven/results"
)

//go:embed page
var pages embed.FS

// Server shows the bundles of one folder.
type Server struct {
	root string
	mux  *http.ServeMux
	page *template.Template
}

// New shows the bundles in the folder root.
func New(root string) (*Server, error) {
	if _, err := os.ReadDir(root); err != nil {
		return nil, fmt.Errorf("read the folder of bundles: %w", err)
	}
	page, err := template.New("").Funcs(words).ParseFS(pages, "page/*.tmpl")
	if err != nil {
		return nil, err
	}
	s := &Server{root: root, mux: http.NewServeMux(), page: page}
	s.mux.HandleFunc("GET /{$}", s.runs)
	s.mux.HandleFunc("GET /grid", s.grid)
	s.mux.HandleFunc("GET /trends", s.trends)
	s.mux.HandleFunc("GET /compare", s.compare)
	s.mux.HandleFunc("GET /api/runs", s.api)
	s.mux.HandleFunc("GET /run/{run}/{file...}", s.file)
	s.mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "page/style.css") })
	return s, nil
}

// Serve answers on the listener until ctx is done. On a listener that only this machine reaches it refuses requests
// that name another host: a page elsewhere must not read it through the browser (DNS rebinding).
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	handler := http.Handler(s.mux)
	if a, ok := l.Addr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		handler = onlyLocal(handler)
	}
	server := &http.Server{Handler: secure(handler), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this view is for this machine alone", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure lets a page load nothing but our own style, and nobody frame it.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// file serves a file of a bundle. The report runs its script, but in a sandbox: it is not of our origin.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	run, name := r.PathValue("run"), r.PathValue("file")
	root, err := os.OpenRoot(s.root)
	if err != nil {
		problem(w, err)
		return
	}
	defer root.Close()
	bundle, err := root.OpenRoot(run) // neither follows links out of the folder
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer bundle.Close()
	kind := map[string]string{".html": "text/html", ".json": "application/json", ".xml": "application/xml"}[path.Ext(name)]
	if kind == "" {
		kind = "text/plain"
	}
	if path.Ext(name) == ".rvn" {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	if kind == "text/html" {
		w.Header().Set("Content-Security-Policy", "sandbox allow-scripts; frame-ancestors 'none'")
	}
	content, err := fs.ReadFile(bundle.FS(), name)
	if err != nil {
		w.Header().Del("Content-Security-Policy")
		http.Error(w, "the bundle has no such file", http.StatusNotFound)
		return
	}
	_, _ = w.Write(content) // the reader may be gone
}

// show writes a page.
func (s *Server) show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var out strings.Builder
	if err := s.page.ExecuteTemplate(&out, name, data); err != nil {
		problem(w, err)
		return
	}
	_, _ = fmt.Fprint(w, out.String())
}

func problem(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// index is read anew for each page: only what has changed costs anything.
func (s *Server) index() (all []results.Digest, problems []string, err error) {
	return results.Index(s.root)
}
