package exchange

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/admin"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// tell sends a change and returns the answer as v.
func tell[T any](s *screen, method, target, body string) T {
	s.r.t.Helper()
	var v T
	w := s.ask(method, target, body)
	if w.Code >= 300 {
		s.r.t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			s.r.t.Fatalf("%s %s: %v in %s", method, target, err, w.Body)
		}
	}
	return v
}

// refused wants an error with the field in its problem document.
func (s *screen) refused(status int, field, method, target, body string) {
	s.r.t.Helper()
	w := s.ask(method, target, body)
	if w.Code != status || field != "" && !strings.Contains(w.Body.String(), `"location":"`+field+`"`) {
		s.r.t.Errorf("%s %s %s: %d %s, want %d for %q", method, target, body, w.Code, w.Body, status, field)
	}
}

// unregisteredWith is a phone with a secret that is not the demo's.
func (r *rig) unregisteredWith(number, secret, addr string) *pbxtest.Phone {
	r.t.Helper()
	p := r.unregistered(number, addr)
	p.Secret = secret
	return p
}

// registers reports whether the exchange would take a phone; it only asks what is
// registered.
func registers(p *pbxtest.Phone) bool {
	return p.Request("REGISTER", "sip:"+p.Domain).Status() == 200
}

// An administrator adds a person and a phone, and both work at once; the secret
// is told once, and a new one makes the old one useless.
func TestAddedPersonCanTelephoneAtOnce(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		made := tell[admin.CreatedPerson](boss, "POST", "/api/admin/people", `{"first_name":"Žofie","last_name":"<img onerror=x>",
			"email":"Zofie@Example.org","role":"user","language":"cs","extension":"120","password":"correct horse battery","device":"Desk"}`)
		if made.Email != "zofie@example.org" || made.Extension == nil || *made.Extension != "120" || made.Phone.Value == nil {
			t.Fatalf("made %+v", made)
		}
		phone := made.Phone.Value
		if phone.Device.Username != "120" || phone.Server != "10.0.0.1" {
			t.Errorf("the phone is told %+v", phone)
		}
		p := r.unregisteredWith("120", phone.Secret, "10.0.1.20:5060")
		p.Register()
		if list := look[[]admin.Registration](boss, "/api/admin/registrations"); len(list) != 1 || list[0].Username != "120" || !list[0].Reachable || list[0].Transport != "udp" {
			t.Errorf("registrations %+v", list)
		}
		if d := look[admin.Device](boss, "/api/admin/devices/"+phone.Device.ID); !d.Registered {
			t.Error("the device is not shown as registered")
		}
		if body := boss.ask("GET", "/api/admin/devices", "").Body.String(); strings.Contains(body, phone.Secret) {
			t.Error("a list gives the secret away")
		}
		fresh := tell[admin.DeviceSecret](boss, "POST", "/api/admin/devices/"+phone.Device.ID+"/secret", "{}")
		if fresh.Secret == phone.Secret || len(look[[]admin.Registration](boss, "/api/admin/registrations")) != 0 {
			t.Error("after a new secret the old registration stands")
		}
		if registers(p) {
			t.Error("the old secret still registers")
		}
		again := r.unregisteredWith("120", fresh.Secret, "10.0.1.21:5060")
		again.Register()
		tell[admin.AdminPerson](boss, "PATCH", "/api/admin/people/"+made.ID, `{"disabled":true}`)
		if len(look[[]admin.Registration](boss, "/api/admin/registrations")) != 0 {
			t.Error("a disabled person's phone stays registered")
		}
		if registers(again) {
			t.Error("a disabled person's phone registers")
		}
	})
}

// What is in use is refused with the reason, and nobody can lock everybody out.
func TestRefusedChangesOfPeople(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		people := look[[]admin.AdminPerson](boss, "/api/admin/people")
		id := map[string]string{}
		for _, p := range people {
			id[*p.Extension] = p.ID
		}
		me, pavel := "/api/admin/people/"+id["101"], "/api/admin/people/"+id["102"]
		boss.refused(409, "body.role", "PATCH", me, `{"role":"user"}`)
		boss.refused(409, "body.disabled", "PATCH", me, `{"disabled":true}`)
		boss.refused(409, "", "DELETE", me, "")
		tell[admin.AdminPerson](boss, "PATCH", pavel, `{"role":"administrator"}`)
		boss.refused(409, "body.role", "PATCH", me, `{"role":"user"}`) // not one's own either
		boss.refused(422, "body.password", "PATCH", me, `{"password":"correct horse battery"}`)
		boss.refused(422, "body.password", "PATCH", pavel, `{"password":"short"}`)
		boss.refused(409, "body.email", "PATCH", pavel, `{"email":"anna@demo.klapka.example"}`)
		boss.refused(409, "body.extension", "PATCH", pavel, `{"extension":"140"}`) // 102 has a device
		boss.refused(409, "body.extension", "POST", "/api/admin/people", `{"first_name":"A","last_name":"B","extension":"101"}`)
		boss.refused(422, "body.extension", "POST", "/api/admin/people", `{"first_name":"A","last_name":"B","extension":"1x"}`)
		boss.refused(422, "body.extension", "POST", "/api/admin/people", `{"first_name":"A","last_name":"B","device":"Desk"}`)
		boss.refused(422, "body.last_name", "POST", "/api/admin/people", `{"first_name":"","last_name":""}`)
		boss.refused(422, "body.last_name", "POST", "/api/admin/people", `{"first_name":"A","last_name":"a\r\nVia: x"}`)
		boss.refused(422, "body.mobile", "POST", "/api/admin/people", `{"first_name":"A","last_name":"B","mobile":"0664"}`)
		boss.refused(422, "body.role", "POST", "/api/admin/people", `{"first_name":"A","last_name":"B","role":"king"}`)
		boss.refused(404, "", "GET", "/api/admin/people/nobody", "")
		boss.refused(404, "", "PATCH", "/api/admin/people/nobody", `{"last_name":"x"}`)
		boss.refused(404, "", "DELETE", "/api/admin/people/nobody", "")
		for _, what := range []string{"DELETE " + pavel, "DELETE /api/admin/extensions/102"} {
			method, target, _ := strings.Cut(what, " ")
			if w := boss.ask(method, target, ""); w.Code != 409 || !strings.Contains(w.Body.String(), "102") {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
		}
		other := r.screen("102")
		tell[admin.AdminPerson](boss, "PATCH", pavel, `{"password":"another long password"}`)
		if w := other.ask("GET", "/api/me", ""); w.Code != 401 {
			t.Errorf("a sign-in outlives the new password: %d", w.Code)
		}
		if got := len(look[[]admin.AdminPerson](boss, "/api/admin/people")); got != len(people) {
			t.Errorf("refusals left %d people of %d", got, len(people))
		}
	})
}

// A person may get another number as long as nothing hangs on the old one.
func TestNumberOfAPersonChanges(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		p := tell[admin.CreatedPerson](boss, "POST", "/api/admin/people", `{"first_name":"A","last_name":"B"}`)
		if p.Extension != nil || p.CanSignIn || p.Role != pbx.RoleUser || p.Phone.Value != nil {
			t.Fatalf("%+v", p)
		}
		at := "/api/admin/people/" + p.ID
		tell[admin.Extension](boss, "POST", "/api/admin/extensions", `{"number":"131","name":"Free"}`)
		for _, step := range []struct{ body, want string }{
			{`{"extension":"130"}`, "130"}, {`{"last_name":"C"}`, "130"}, {`{"extension":"131"}`, "131"}, {`{"extension":null}`, ""},
		} {
			got := tell[admin.AdminPerson](boss, "PATCH", at, step.body)
			if step.want == "" && got.Extension != nil || step.want != "" && (got.Extension == nil || *got.Extension != step.want) {
				t.Errorf("%s: %+v", step.body, got)
			}
		}
		boss.refused(404, "", "GET", "/api/admin/extensions/130", "")
		if w := boss.ask("DELETE", at, ""); w.Code != 204 {
			t.Errorf("delete: %d %s", w.Code, w.Body)
		}
	})
}

func TestExtensionsAndDevices(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		boss.refused(409, "body.number", "POST", "/api/admin/extensions", `{"number":"101"}`)
		boss.refused(422, "body.number", "POST", "/api/admin/extensions", `{"number":"*43"}`)
		boss.refused(422, "body.user_id", "POST", "/api/admin/extensions", `{"number":"150","user_id":"nobody"}`)
		boss.refused(422, "body.number", "PATCH", "/api/admin/extensions/102", `{"number":"103"}`)
		boss.refused(422, "body.extension", "POST", "/api/admin/devices", `{"extension":"999"}`)
		boss.refused(404, "", "PATCH", "/api/admin/devices/x", `{"name":"y"}`)
		e := tell[admin.Extension](boss, "POST", "/api/admin/extensions", `{"number":"150","name":"Corridor"}`)
		if e.UserID != nil || e.Devices != 0 {
			t.Errorf("%+v", e)
		}
		d := tell[admin.DeviceSecret](boss, "POST", "/api/admin/devices", `{"extension":"150","name":"Wall"}`)
		p := r.unregisteredWith("150", d.Secret, "10.0.1.50:5060")
		for _, off := range []struct{ target, reason string }{
			{"/api/admin/devices/" + d.Device.ID, "a disabled device"}, {"/api/admin/extensions/150", "a disabled extension"},
		} {
			p.Register()
			boss.ask("PATCH", off.target, `{"disabled":true}`)
			if n := len(look[[]admin.Registration](boss, "/api/admin/registrations")); n != 0 {
				t.Errorf("%s stays registered", off.reason)
			}
			if registers(p) {
				t.Errorf("%s registers", off.reason)
			}
			boss.ask("PATCH", off.target, `{"disabled":false}`)
		}
		p.Register()
		if w := boss.ask("DELETE", "/api/admin/registrations/"+d.Device.ID, ""); w.Code != 204 {
			t.Errorf("drop: %d", w.Code)
		}
		if w := boss.ask("DELETE", "/api/admin/devices/"+d.Device.ID, ""); w.Code != 204 {
			t.Errorf("delete device: %d %s", w.Code, w.Body)
		}
		if w := boss.ask("DELETE", "/api/admin/extensions/150", ""); w.Code != 204 {
			t.Errorf("delete extension: %d %s", w.Code, w.Body)
		}
		if registers(p) {
			t.Error("a deleted device registers")
		}
	})
}

// A supervisor sees and ends calls; the records page through, find odd names and
// come as a table no spreadsheet can take for formulas.
func TestLiveCallsAndRecords(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss, supervisor := r.screen("101"), r.screen("102")
		tell[admin.Extension](boss, "PATCH", "/api/admin/extensions/101", `{"name":"=cmd|' /C calc'!A0 <script>"}`)
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		time.Sleep(time.Second)
		for range 3 {
			call := anna.Invite("102", sdpAt(annaRTP))
			in := pavel.ExpectInvite()
			in.Respond(486)
			call.Expect(486)
			time.Sleep(time.Second)
		}
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		time.Sleep(10 * time.Second)
		live := look[[]admin.LiveCall](supervisor, "/api/admin/calls")
		if len(live) != 1 || live[0].State != "talking" || live[0].To.Number != "102" || len(live[0].Legs) != 2 || live[0].AnsweredAt == nil {
			t.Fatalf("live %+v", live)
		}
		if w := supervisor.ask("DELETE", "/api/admin/calls/"+string(live[0].Call), ""); w.Code != 204 {
			t.Errorf("end: %d %s", w.Code, w.Body)
		}
		call.ExpectBye()
		in.ExpectBye()
		supervisor.refused(404, "", "DELETE", "/api/admin/calls/"+string(live[0].Call), "")
		supervisor.refused(404, "", "POST", "/api/admin/calls/"+string(live[0].Legs[0].Leg)+"/hangup", "{}")
		r.records() // the database has caught up
		wantPages(t, supervisor)
		csv := supervisor.ask("GET", "/api/admin/records.csv?extension=101", "")
		if h := csv.Header(); !strings.HasPrefix(h.Get("Content-Type"), "text/csv") || !strings.Contains(h.Get("Content-Disposition"), "attachment") {
			t.Errorf("headers %v", h)
		}
		if body := csv.Body.String(); strings.Count(body, "\n") != 5 || !strings.Contains(body, ",'=cmd|' /C calc'!A0 <script>,102,") {
			t.Errorf("the table is\n%s", body)
		}
	})
}

func wantPages(t *testing.T, s *screen) {
	t.Helper()
	var ids []string
	target := "/api/admin/records?limit=2"
	for next := ""; ; {
		page := look[admin.RecordPage](s, target+next)
		for _, r := range page.Items {
			ids = append(ids, string(r.Cause.Value.Code))
		}
		if page.Next == nil {
			break
		}
		next = "&cursor=" + *page.Next
	}
	if got := strings.Join(ids, " "); got != "normal busy busy busy" {
		t.Errorf("pages give %s", got)
	}
	for query, want := range map[string]int{
		"cause=busy": 3, "open=true": 0, "open=false&cause=normal": 1, "search=%3Cscript": 4, "extension=102": 4, "extension=103": 0,
		"since=2200-01-01T00:00:00Z": 0, "until=2200-01-01T00:00:00Z": 4,
	} {
		if n := len(look[admin.RecordPage](s, "/api/admin/records?"+query).Items); n != want {
			t.Errorf("%s finds %d, want %d", query, n, want)
		}
	}
	one := look[admin.RecordPage](s, "/api/admin/records?cause=normal").Items[0]
	if r := look[admin.CallRecord](s, "/api/admin/records/"+string(one.Call)); len(r.Legs) != 2 || r.AnsweredBy.Value.Number != "102" || r.From.Name == "" {
		t.Errorf("record %+v", r)
	}
	s.refused(422, "query.cause", "GET", "/api/admin/records?cause=%27--", "")
	s.refused(422, "query.cursor", "GET", "/api/admin/records?cursor=nothing", "")
	s.refused(422, "query.limit", "GET", "/api/admin/records?limit=100000", "")
	s.refused(404, "", "GET", "/api/admin/records/nothing", "")
}

// "Why did it (not) ring?": answered, not registered, and a wrong password.
func TestTraceTellsWhy(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Respond(180)
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		call.Bye()
		in.ExpectBye()
		anna.Invite("104", sdpAt(annaRTP)).Expect(480)
		anna.Invite("999", sdpAt(annaRTP)).Expect(404)
		stranger := r.unregisteredWith("103", "wrong", emilyAddr)
		stranger.Invite("101", sdpAt("10.0.1.3:4000")).Expect(401)
		time.Sleep(time.Second)
		heads := look[[]admin.TraceHead](boss, "/api/admin/trace")
		var got []string
		for _, h := range heads {
			refused := "-"
			if h.Refused != nil {
				refused = *h.Refused
			}
			got = append(got, h.From.Number+" "+h.Dialled+" "+refused+" "+string(h.Verdict))
		}
		want := "103 101 digest refused_digest; 101 999 - number_unknown; 101 104 - not_registered; 101 102 - answered"
		if s := strings.Join(got, "; "); s != want {
			t.Fatalf("got  %s\nwant %s", s, want)
		}
		story := look[admin.Trace](boss, "/api/admin/trace/"+string(heads[3].Call))
		var titles []string
		for _, e := range story.Entries {
			if e.Kind == pbx.TraceMessage {
				titles = append(titles, e.Title)
			}
			if strings.Contains(e.Text, "response=") {
				t.Errorf("credentials in %s", e.Text)
			}
		}
		if s := strings.Join(titles, ", "); !strings.HasPrefix(s, "INVITE, 401 Unauthorized, ") || strings.Count(s, "INVITE") < 3 || !strings.Contains(s, "180 Ringing") || !strings.Contains(s, "BYE") {
			t.Errorf("messages: %s", s)
		}
		if len(story.Outcomes) != 1 || story.Outcomes[0].Verdict != pbx.VerdictAnswered {
			t.Errorf("outcomes %+v", story.Outcomes)
		}
		silent := look[admin.Trace](boss, "/api/admin/trace/"+string(heads[2].Call))
		if len(silent.Outcomes) != 1 || silent.Outcomes[0].Extension != "104" || silent.Outcomes[0].Verdict != pbx.VerdictNotRegistered {
			t.Errorf("outcomes %+v", silent.Outcomes)
		}
		text := boss.ask("GET", "/api/admin/trace/"+string(heads[3].Call)+"/text", "")
		if !strings.Contains(text.Body.String(), "|< INVITE") || !strings.HasPrefix(text.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%v %.300s", text.Header(), text.Body)
		}
		boss.refused(404, "", "GET", "/api/admin/trace/nothing", "")
		boss.refused(404, "", "GET", "/api/admin/trace/nothing/text", "")
		if found := look[[]admin.TraceHead](boss, "/api/admin/trace?search=999"); len(found) != 1 {
			t.Errorf("search finds %d", len(found))
		}
	})
}

func TestBansSettingsAndSystem(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		boss := r.screen("101")
		tell[[]admin.Ban](boss, "POST", "/api/admin/bans", `{"address":"10.0.1.1","seconds":600,"reason":"noise"}`)
		if list := look[[]admin.Ban](boss, "/api/admin/bans"); len(list) != 1 || list[0].Reason != "noise" || list[0].Until.Sub(list[0].Since) != 10*time.Minute {
			t.Errorf("bans %+v", list)
		}
		anna := r.unregistered("101", annaAddr)
		anna.Invite("102", sdpAt(annaRTP))
		time.Sleep(time.Second)
		if heads := look[[]admin.TraceHead](boss, "/api/admin/trace"); len(heads) != 1 || heads[0].Verdict != pbx.VerdictBanned {
			t.Errorf("a banned phone's call: %+v", heads)
		}
		if w := boss.ask("DELETE", "/api/admin/bans/10.0.1.1", ""); w.Code != 204 {
			t.Errorf("unban: %d %s", w.Code, w.Body)
		}
		boss.refused(404, "", "DELETE", "/api/admin/bans/10.0.1.1", "")
		boss.refused(422, "path.address", "DELETE", "/api/admin/bans/nonsense", "")
		boss.refused(422, "body.address", "POST", "/api/admin/bans", `{"address":"nonsense"}`)
		boss.refused(422, "body.seconds", "POST", "/api/admin/bans", `{"address":"10.0.1.1","seconds":1}`)

		s := tell[admin.Settings](boss, "PATCH", "/api/admin/settings", `{"company":" Firma \"a\" ","language":"cs"}`)
		if s.Company != `Firma "a"` || s.Language != pbx.Czech || s.Realm == "" || r.x.directory.Settings().Language != pbx.Czech {
			t.Errorf("settings %+v", s)
		}
		boss.refused(422, "body.company", "PATCH", "/api/admin/settings", `{"company":"a\u0000b"}`)
		boss.refused(422, "body.language", "PATCH", "/api/admin/settings", `{"language":"xx"}`)
		time.Sleep(time.Minute)
		sys := look[admin.System](boss, "/api/admin/system")
		if sys.Version != "test" || sys.People != 6 || sys.Database != "sqlite" || sys.UptimeSeconds < 60 || sys.Addresses["sip_udp"][0] != "10.0.0.1:5060" {
			t.Errorf("system %+v", sys)
		}
	})
}
