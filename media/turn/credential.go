package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// How long credentials are good for: to begin a relay, and to keep up one that
// was begun in time, so that no call ends because its credential did.
const (
	Lifetime = time.Hour
	keepUp   = 24 * time.Hour
)

// Secret is what credentials are made of; the relay has to know it, the user
// must not.
type Secret string

// NewSecret makes one that nobody can guess.
func NewSecret() Secret { return Secret(rand.Text()) }

// Credential opens the relay for one person for a while.
type Credential struct {
	Username string
	Password string
	Expires  time.Time
}

// Issue makes a credential the way relays have agreed on
// (draft-uberti-behave-turn-rest-00 §2.2): the name carries the end of its
// validity, the password proves it. User is any text that names the person.
func (s Secret) Issue(user string, now time.Time) Credential {
	expires := now.Add(Lifetime).Truncate(time.Second)
	name := strconv.FormatInt(expires.Unix(), 10) + ":" + user
	return Credential{Username: name, Password: s.password(name), Expires: expires}
}

// password belongs to a name; the hash is what other relays expect.
func (s Secret) password(name string) string {
	mac := hmac.New(sha1.New, []byte(s))
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// parseName takes a name apart.
func parseName(name string) (user string, expires time.Time, ok bool) {
	end, user, found := strings.Cut(name, ":")
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil || !found || user == "" {
		return "", time.Time{}, false
	}
	return user, time.Unix(seconds, 0), true
}
