package auth_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/pbxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails the test unless err has the code and, if given, the field.
func wantCode(t *testing.T, err error, code pbx.ErrorCode, field string) {
	t.Helper()
	if pbx.CodeOf(err) != code {
		t.Fatalf("got %q (%v), want %q", pbx.CodeOf(err), err, code)
	}
	var e *pbx.Error
	if field != "" && (!errors.As(err, &e) || e.Field != field) {
		t.Fatalf("got %v, want field %q", err, field)
	}
}

// newAccounts is an exchange after its first start.
func newAccounts(t *testing.T) (*auth.Accounts, *pbxtest.People) {
	t.Helper()
	s := pbxtest.NewPeople()
	_, err := auth.EnsureSettings(t.Context(), s, pbx.Settings{Realm: "acme"})
	must(t, err)
	return auth.NewAccounts(s, auth.NewHasher(2)), s
}

const goodPassword = "correct horse battery"
