package spa

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
)

// Cache rules: an asset's name carries the hash of its content, everything else
// keeps its name from one version to the next and is asked for each time.
const (
	cacheForever    = "public, max-age=31536000, immutable"
	cacheRevalidate = "no-cache"
)

// file is one address with its content types and stored encodings, the
// uncompressed one first.
type file struct {
	kind     string
	cache    string
	variants []variant
}

type variant struct {
	encoding string // as in Content-Encoding; empty: as it is
	etag     string
	body     []byte
}

// encodings lists the precompressed siblings a build leaves beside a file, the
// one preferred at equal weight first.
var encodings = [...]struct{ suffix, name string }{{".br", "br"}, {".gz", "gzip"}}

// load reads every file of dist; dot-files stay out.
func load(dist fs.FS) (map[string]*file, error) {
	raw := map[string][]byte{}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		raw[name], err = fs.ReadFile(dist, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	files := make(map[string]*file, len(raw))
	for name, body := range raw {
		if _, sibling := raw[strings.TrimSuffix(name, path.Ext(name))]; sibling && compressed(name) {
			continue
		}
		f := newFile(name, body)
		for _, e := range encodings {
			if packed, ok := raw[name+e.suffix]; ok {
				f.variants = append(f.variants, newVariant(e.name, packed))
			}
		}
		files[name] = f
	}
	return files, nil
}

func compressed(name string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.suffix) {
			return true
		}
	}
	return false
}

func newFile(name string, body []byte) *file {
	f := &file{kind: contentType(name), cache: cacheRevalidate}
	if strings.HasPrefix(name, "assets/") {
		f.cache = cacheForever
	}
	f.variants = []variant{newVariant("", body)}
	return f
}

func newVariant(encoding string, body []byte) variant {
	sum := sha256.Sum256(body)
	return variant{encoding: encoding, body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// types holds what a build of ours can contain; the machine's own table of MIME
// types differs from one distribution to the next, so it is asked last.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".mp3":         "audio/mpeg",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".wav":         "audio/wav",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

func contentType(name string) string {
	ext := path.Ext(name)
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// choose picks the variant by RFC 9110 §12.5.3: the client's weights decide,
// our order breaks ties, and a variant not named is not acceptable, apart from
// the uncompressed one.
func choose(variants []variant, accept string) variant {
	weights := parseAccept(accept)
	best, bestWeight := variants[0], -1.0
	for _, v := range variants[1:] {
		w, named := weights[v.encoding]
		if !named {
			w = weights["*"]
		}
		if w > 0 && w > bestWeight {
			best, bestWeight = v, w
		}
	}
	if identity, named := weights["identity"]; named && identity > bestWeight {
		return variants[0]
	}
	return best
}

func parseAccept(accept string) map[string]float64 {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			parsed, err := strconv.ParseFloat(q, 64)
			if err != nil {
				continue
			}
			weight = parsed
		}
		weights[strings.ToLower(strings.TrimSpace(name))] = weight
	}
	return weights
}
