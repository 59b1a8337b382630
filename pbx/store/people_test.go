package store_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
)

var ha1 = pbx.DigestHA1{MD5: strings.Repeat("0a", 16), SHA256: strings.Repeat("1b", 32)}

// people is what the store and its stand-in in memory have in common.
type people interface {
	pbx.People
	pbx.Transactor
}

func fieldOf(err error) string {
	var e *pbx.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

func testUsers(t *testing.T, s people) {
	ctx := t.Context()
	u := pbx.User{
		FirstName: " Žofie ", LastName: "Ďáblová", Email: "Zofie@Example.INVALID ", Mobile: "+420602123456",
		Role: pbx.RoleSupervisor, Language: pbx.Czech, PasswordHash: "$argon2id$…",
	}
	must(t, s.CreateUser(ctx, &u))
	if u.ID == "" || time.Since(u.CreatedAt) > time.Minute || u.FirstName != "Žofie" || u.Email != "zofie@example.invalid" {
		t.Errorf("created: %+v", u)
	}
	got, err := s.User(ctx, u.ID)
	must(t, err)
	if got != u {
		t.Errorf("read %+v, stored %+v", got, u)
	}
	if got, err = s.UserByEmail(ctx, "ZOFIE@example.invalid"); err != nil || got != u {
		t.Errorf("by e-mail: %+v, %v", got, err)
	}
	u.LastName, u.Disabled, u.Email = "Andělová", true, ""
	created := u.CreatedAt
	u.CreatedAt = time.Time{} // a caller that does not know it does not change it
	must(t, s.UpdateUser(ctx, &u))
	got, err = s.User(ctx, u.ID)
	must(t, err)
	if got != u || !got.Disabled || !got.CreatedAt.Equal(created) || got.UpdatedAt.Before(created) {
		t.Errorf("after the change: %+v", got)
	}
	second := pbx.User{FirstName: "Anna", LastName: "Andělová", Role: pbx.RoleUser, Language: pbx.English}
	must(t, s.CreateUser(ctx, &second)) // two people without e-mail
	users, err := s.Users(ctx)
	must(t, err)
	if !reflect.DeepEqual(users, []pbx.User{second, u}) {
		t.Errorf("list: %+v", users)
	}
	must(t, s.DeleteUser(ctx, u.ID))
	_, err = s.User(ctx, u.ID)
	wantCode(t, err, pbx.NotFound, "")
}

func testUserFaults(t *testing.T, s people) {
	ctx := t.Context()
	good := pbx.User{FirstName: "Jan", Email: "jan@example.invalid", Role: pbx.RoleUser, Language: pbx.German}
	first := good
	must(t, s.CreateUser(ctx, &first))
	for field, change := range map[string]func(*pbx.User){
		"first_name": func(u *pbx.User) { u.FirstName = "Jan\r\nContact: <sip:evil>" },
		"last_name":  func(u *pbx.User) { u.LastName = strings.Repeat("ž", 101) },
		"role":       func(u *pbx.User) { u.Role = "root" },
		"language":   func(u *pbx.User) { u.Language = "fr" },
		"mobile":     func(u *pbx.User) { u.Mobile = "0602 123" },
		"email":      func(u *pbx.User) { u.Email = "Jan <jan@example.invalid>" },
	} {
		u := good
		u.Email = ""
		change(&u)
		wantCode(t, s.CreateUser(ctx, &u), pbx.Invalid, field)
		u.ID = first.ID
		wantCode(t, s.UpdateUser(ctx, &u), pbx.Invalid, field)
	}
	for _, bad := range []string{"a\x00b", "a\u202eb", "a\u2028b", "\xff"} {
		u := good
		u.FirstName = bad
		wantCode(t, s.CreateUser(ctx, &u), pbx.Invalid, "first_name")
	}
	nameless := pbx.User{FirstName: "  ", Role: pbx.RoleUser, Language: pbx.German}
	wantCode(t, s.CreateUser(ctx, &nameless), pbx.Invalid, "last_name")
	twin := good
	twin.Email = "JAN@example.invalid"
	wantCode(t, s.CreateUser(ctx, &twin), pbx.Conflict, "email")
	other := good
	other.Email = "other@example.invalid"
	must(t, s.CreateUser(ctx, &other))
	other.Email = good.Email
	wantCode(t, s.UpdateUser(ctx, &other), pbx.Conflict, "email")
	other.ID = "nobody"
	wantCode(t, s.UpdateUser(ctx, &other), pbx.NotFound, "")
	wantCode(t, s.DeleteUser(ctx, "nobody"), pbx.NotFound, "")
	_, err := s.UserByEmail(ctx, "nobody@example.invalid")
	wantCode(t, err, pbx.NotFound, "")
	_, err = s.UserByEmail(ctx, "")
	wantCode(t, err, pbx.NotFound, "") // people without an e-mail are not found by none
}

func testExtensions(t *testing.T, s people) {
	ctx := t.Context()
	u, e, _ := person(t, s, "102")
	corridor := pbx.Extension{Number: "10", Name: "Corridor", Language: pbx.German}
	must(t, s.CreateExtension(ctx, &corridor))
	second := pbx.Extension{Number: "11", Name: "Kitchen"} // two without a person
	must(t, s.CreateExtension(ctx, &second))
	got, err := s.ExtensionOf(ctx, u.ID)
	must(t, err)
	if got != e {
		t.Errorf("of the person: %+v, want %+v", got, e)
	}
	corridor.Name, corridor.Disabled = "Hall", true
	must(t, s.UpdateExtension(ctx, &corridor))
	got, err = s.Extension(ctx, "10")
	must(t, err)
	if got != corridor {
		t.Errorf("read %+v, stored %+v", got, corridor)
	}
	all, err := s.Extensions(ctx)
	must(t, err)
	if !reflect.DeepEqual(all, []pbx.Extension{corridor, e, second}) {
		t.Errorf("list: %+v", all)
	}
	must(t, s.DeleteExtension(ctx, "10"))
	_, err = s.Extension(ctx, "10")
	wantCode(t, err, pbx.NotFound, "")
}

func testExtensionFaults(t *testing.T, s people) {
	ctx := t.Context()
	u, _, _ := person(t, s, "101")
	for _, number := range []string{"", "1", "12345678901", "10a", "*43", "１０１", "101\n"} {
		wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: number}), pbx.Invalid, "number")
	}
	wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: "101"}), pbx.Conflict, "number")
	wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: "102", UserID: u.ID}), pbx.Conflict, "user_id")
	wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: "102", UserID: "ghost"}), pbx.Invalid, "user_id")
	wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: "102", Name: "a\rb"}), pbx.Invalid, "name")
	wantCode(t, s.CreateExtension(ctx, &pbx.Extension{Number: "102", Language: "xx"}), pbx.Invalid, "language")
	wantCode(t, s.UpdateExtension(ctx, &pbx.Extension{Number: "102"}), pbx.NotFound, "")
	wantCode(t, s.DeleteExtension(ctx, "102"), pbx.NotFound, "")
	_, err := s.Extension(ctx, "102\x00\xff") // as dialled by a hostile phone
	wantCode(t, err, pbx.NotFound, "")
	_, err = s.ExtensionOf(ctx, "")
	wantCode(t, err, pbx.NotFound, "")
}

func testDevices(t *testing.T, s people) {
	ctx := t.Context()
	_, _, first := person(t, s, "101")
	var want []pbx.Device
	for _, name := range []string{"101-10", "101-2"} {
		d := pbx.Device{Extension: "101", Name: name, Username: name, HA1: pbx.DigestHA1{MD5: ha1.MD5}}
		must(t, s.CreateDevice(ctx, &d))
		want = append(want, d)
	}
	got, err := s.DevicesOf(ctx, "101")
	must(t, err)
	if !reflect.DeepEqual(got, []pbx.Device{first, want[1], want[0]}) {
		t.Errorf("devices of 101: %+v", got)
	}
	d := want[0]
	d.Name, d.Disabled, d.HA1 = "DECT", true, ha1
	must(t, s.UpdateDevice(ctx, &d))
	byName, err := s.DeviceByUsername(ctx, "101-10")
	must(t, err)
	byID, err := s.Device(ctx, d.ID)
	must(t, err)
	if byName != d || byID != d {
		t.Errorf("by name %+v, by id %+v, stored %+v", byName, byID, d)
	}
	must(t, s.DeleteDevice(ctx, d.ID))
	all, err := s.Devices(ctx)
	must(t, err)
	if !reflect.DeepEqual(all, []pbx.Device{first, want[1]}) {
		t.Errorf("after deletion: %+v", all)
	}
}

func testDeviceFaults(t *testing.T, s people) {
	ctx := t.Context()
	_, _, first := person(t, s, "101")
	for field, d := range map[string]pbx.Device{
		"username":  {Extension: "101", Username: "101@evil", HA1: ha1},
		"ha1":       {Extension: "101", Username: "101-2"},
		"name":      {Extension: "101", Username: "101-2", HA1: ha1, Name: "x\ny"},
		"extension": {Extension: "999", Username: "101-2", HA1: ha1},
	} {
		wantCode(t, s.CreateDevice(ctx, &d), pbx.Invalid, field)
	}
	upper := pbx.Device{Extension: "101", Username: "101-2", HA1: pbx.DigestHA1{MD5: strings.ToUpper(ha1.MD5)}}
	wantCode(t, s.CreateDevice(ctx, &upper), pbx.Invalid, "ha1")
	twin := pbx.Device{Extension: "101", Username: "101", HA1: ha1}
	wantCode(t, s.CreateDevice(ctx, &twin), pbx.Conflict, "username")
	first.Extension = "999"
	wantCode(t, s.UpdateDevice(ctx, &first), pbx.Invalid, "extension")
	twin.ID = "ghost"
	wantCode(t, s.UpdateDevice(ctx, &twin), pbx.NotFound, "")
	wantCode(t, s.DeleteDevice(ctx, "ghost"), pbx.NotFound, "")
	_, err := s.DeviceByUsername(ctx, "\x00'; DROP TABLE devices; --\xc3")
	wantCode(t, err, pbx.NotFound, "")
}

func testInUse(t *testing.T, s people) {
	ctx := t.Context()
	u, _, d := person(t, s, "101")
	err := s.DeleteUser(ctx, u.ID)
	wantCode(t, err, pbx.Conflict, "")
	if !strings.Contains(err.Error(), "101") {
		t.Errorf("the reason does not name the extension: %v", err)
	}
	err = s.DeleteExtension(ctx, "101")
	wantCode(t, err, pbx.Conflict, "")
	if !strings.Contains(err.Error(), "devices: 101") {
		t.Errorf("the reason does not name the device: %v", err)
	}
	must(t, s.DeleteDevice(ctx, d.ID))
	must(t, s.DeleteExtension(ctx, "101"))
	must(t, s.DeleteUser(ctx, u.ID))
}

func testSettings(t *testing.T, s people) {
	ctx := t.Context()
	_, err := s.Settings(ctx)
	wantCode(t, err, pbx.NotFound, "")
	first := pbx.Settings{Company: "Klapka Demo", Realm: "klapka", Language: pbx.German, Demo: true}
	for field, change := range map[string]func(*pbx.Settings){
		"company":  func(v *pbx.Settings) { v.Company = "a\nb" },
		"realm":    func(v *pbx.Settings) { v.Realm = `kla"pka` },
		"language": func(v *pbx.Settings) { v.Language = "" },
	} {
		v := first
		change(&v)
		wantCode(t, s.SaveSettings(ctx, v), pbx.Invalid, field)
	}
	wantCode(t, s.SaveSettings(ctx, pbx.Settings{Language: pbx.German}), pbx.Invalid, "realm")
	must(t, s.SaveSettings(ctx, first))
	must(t, s.SaveSettings(ctx, pbx.Settings{Company: "Acme", Realm: "other", Language: pbx.Czech}))
	got, err := s.Settings(ctx)
	must(t, err)
	if want := (pbx.Settings{Company: "Acme", Realm: "klapka", Language: pbx.Czech, Demo: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	must(t, s.SaveSettings(ctx, pbx.Settings{Company: "Acme 2", Language: pbx.English}))
	if got, err = s.Settings(ctx); err != nil || got.Realm != "klapka" || got.Company != "Acme 2" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func testWithin(t *testing.T, s people) {
	ctx := t.Context()
	mine := errors.New("changed my mind")
	var id string
	err := s.Within(ctx, func(tx pbx.People) error {
		u := pbx.User{FirstName: "Eva", Role: pbx.RoleUser, Language: pbx.Czech}
		must(t, tx.CreateUser(ctx, &u))
		id = u.ID
		if _, err := tx.User(ctx, id); err != nil {
			t.Errorf("a transaction sees what it wrote: %v", err)
		}
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v, want the error of the caller", err)
	}
	_, err = s.User(ctx, id)
	wantCode(t, err, pbx.NotFound, "")
	must(t, s.Within(ctx, func(tx pbx.People) error {
		u := pbx.User{FirstName: "Eva", Role: pbx.RoleUser, Language: pbx.Czech}
		if err := tx.CreateUser(ctx, &u); err != nil {
			return err
		}
		id = u.ID
		return tx.CreateExtension(ctx, &pbx.Extension{Number: "103", UserID: u.ID})
	}))
	if e, err := s.ExtensionOf(ctx, id); err != nil || e.Number != "103" {
		t.Errorf("got %+v, %v", e, err)
	}
}

// testUsernameRace: of several who take the same name in transactions of their
// own one succeeds, and the others learn which field it was.
func testUsernameRace(t *testing.T, s people) {
	ctx := t.Context()
	must(t, s.CreateExtension(ctx, &pbx.Extension{Number: "101"}))
	results := make([]error, 6)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = s.Within(ctx, func(tx pbx.People) error {
				if _, err := tx.DeviceByUsername(ctx, "101"); err == nil {
					return pbx.Errorf(pbx.Conflict, "seen in time")
				}
				return tx.CreateDevice(ctx, &pbx.Device{Extension: "101", Username: "101", HA1: ha1})
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if pbx.CodeOf(err) != pbx.Conflict || !strings.Contains(err.Error(), "seen in time") && fieldOf(err) != "username" {
			t.Errorf("loser: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d devices have the same name", won)
	}
}
