package pbx

// Language is one of the languages every screen and prompt speaks (ISO 639-1).
type Language string

// The languages of the product.
const (
	English Language = "en"
	German  Language = "de"
	Czech   Language = "cs"
)

// Languages lists all of them, the default first.
var Languages = [...]Language{English, German, Czech}

// Valid reports whether l is one of Languages.
func (l Language) Valid() bool {
	for _, k := range Languages {
		if l == k {
			return true
		}
	}
	return false
}
