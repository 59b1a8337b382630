// Package webclient holds the client people telephone with: its built pages,
// embedded, and the way they are served.
package webclient

import (
	"embed"
	"io/fs"
	"net/http"

	"klapka.dev/klapka/pbx/web/spa"
)

// Base is the path the client is served under; the build knows it too.
const Base = "/"

//go:embed all:dist
var dist embed.FS

// stub is shown when the program was built without Node.
//
//go:embed stub.html
var stub []byte

// Handler serves the client's pages for every address under Base. It reads and
// hashes all files, so it is made once.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path, which is all fs.Sub asks for
	}
	h, err := spa.New(built, stub, Base)
	if err != nil {
		panic(err) // embedded files are memory; reading them cannot fail
	}
	return h
}
