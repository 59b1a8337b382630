package admin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
)

// Store is where people and their phones are kept.
type Store interface {
	pbx.People
	pbx.Transactor
}

// Accounts creates what comes with secrets; auth.Accounts does it.
type Accounts interface {
	CreatePerson(ctx context.Context, n auth.NewPerson) (auth.Person, error)
	AddDevice(ctx context.Context, extension, name string) (pbx.Device, string, error)
	ResetSecret(ctx context.Context, deviceID string) (pbx.Device, string, error)
	SetPassword(ctx context.Context, userID, password string) error
}

// Registrations is where devices are reached now.
type Registrations interface {
	All() []pbx.Binding
	Reachable(device, key string) bool
	Drop(device string)
}

// Sessions ends sign-ins.
type Sessions interface {
	EndAll(ctx context.Context, userID string) error
}

// API is what the portal's operations work on. Everything must be set, save for
// making the document.
type API struct {
	Store         Store
	Accounts      Accounts
	Registrations Registrations
	Sessions      Sessions
	Calls         pbx.CallControl
	Records       pbx.CallRecords
	Bans          pbx.Bans
	Traces        pbx.Traces
	Ladder        func(pbx.Trace) string // a trace as text
	System        func(ctx context.Context) (System, error)
	// Reload has everything that keeps people and devices in memory read them
	// anew; a change counts when it returned.
	Reload func(ctx context.Context) error
	// Server is what a phone is told to register at: host, or host:port.
	Server func() string
	Log    *slog.Logger

	// rights is held while somebody's rights are taken: two administrators must
	// not take each other's at the same moment, which no database forbids by itself.
	rights *sync.Mutex
}

// Statuses that operations may answer beside the usual ones.
var (
	ofList   = []int{http.StatusServiceUnavailable}
	ofGet    = []int{http.StatusNotFound, http.StatusServiceUnavailable}
	ofChange = []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
)

// Register adds the portal's operations to a server. Supervisors may watch and
// end calls and read records; everything else is for administrators.
func (a API) Register(s *web.Server) {
	a.rights = &sync.Mutex{}
	a.registerPeople(s)
	a.registerCalls(s)
	a.registerSystem(s)
}

// registerPeople adds who is there, and with which numbers and phones.
func (a API) registerPeople(s *web.Server) {
	people := web.Needs(auth.ManagePeople)
	web.Register(s, people, list("listPersons", "/api/admin/people", "Everybody with an account"), a.listPeople)
	web.Register(s, people, create("createPerson", "/api/admin/people", "Add a person, with a number and a phone if wanted"), a.createPerson)
	web.Register(s, people, get("getPerson", "/api/admin/people/{id}", "One person"), a.getPerson)
	web.Register(s, people, change("changePerson", "/api/admin/people/{id}", "Change a person"), a.changePerson)
	web.Register(s, people, remove("deletePerson", "/api/admin/people/{id}", "Remove a person without an extension"), a.deletePerson)

	web.Register(s, people, list("listExtensions", "/api/admin/extensions", "Every internal number"), a.listExtensions)
	web.Register(s, people, create("createExtension", "/api/admin/extensions", "Add a number"), a.createExtension)
	web.Register(s, people, get("getExtension", "/api/admin/extensions/{number}", "One number"), a.getExtension)
	web.Register(s, people, change("changeExtension", "/api/admin/extensions/{number}", "Change whose it is and how it is shown"), a.changeExtension)
	web.Register(s, people, remove("deleteExtension", "/api/admin/extensions/{number}", "Remove a number without devices"), a.deleteExtension)

	web.Register(s, people, list("listDevices", "/api/admin/devices", "Every phone with an account"), a.listDevices)
	web.Register(s, people, create("createDevice", "/api/admin/devices", "Add a phone; the secret is in this answer only"), a.createDevice)
	web.Register(s, people, get("getDevice", "/api/admin/devices/{id}", "One phone"), a.getDevice)
	web.Register(s, people, change("changeDevice", "/api/admin/devices/{id}", "Rename, move or disable a phone"), a.changeDevice)
	web.Register(s, people, remove("deleteDevice", "/api/admin/devices/{id}", "Remove a phone"), a.deleteDevice)
	web.Register(s, people, create("renewSecret", "/api/admin/devices/{id}/secret", "Give a phone a new secret; the old one is of no use any more"), a.renewSecret)
	web.Register(s, people, remove("dropRegistrations", "/api/admin/registrations/{device}", "Forget where a phone is until it registers again"), a.dropRegistrations)
}

// registerCalls adds what is going on, what was, and why.
func (a API) registerCalls(s *web.Server) {
	monitor := web.Needs(auth.Monitor)
	web.Register(s, monitor, list("listRegistrations", "/api/admin/registrations", "Where phones are reached now"), a.listRegistrations)
	web.Register(s, monitor, list("listAllCalls", "/api/admin/calls", "Every running call"), a.listCalls)
	web.Register(s, web.Needs(auth.ManageCalls), remove("endCall", "/api/admin/calls/{call}", "End a call with all its legs"), a.endCall)
	web.Register(s, web.Needs(auth.ManageCalls), create("endLeg", "/api/admin/calls/{leg}/hangup", "End one leg of a call"), a.endLeg)

	records := web.Needs(auth.SeeRecords)
	web.Register(s, records, list("listRecords", "/api/admin/records", "Past and running calls, the newest first"), a.listRecords)
	web.Register(s, records, list("exportRecords", "/api/admin/records.csv", "The same as a table for spreadsheets"), a.exportRecords)
	web.Register(s, records, get("getRecord", "/api/admin/records/{call}", "One call"), a.getRecord)

	trace := web.Needs(auth.SeeTrace)
	web.Register(s, trace, list("listTraces", "/api/admin/trace", "The latest calls and refused attempts"), a.listTraces)
	web.Register(s, trace, get("getTrace", "/api/admin/trace/{call}", "Why it did or did not ring: messages and decisions"), a.getTrace)
	web.Register(s, trace, get("getLadder", "/api/admin/trace/{call}/text", "The same as a text file"), a.getLadder)
}

// registerSystem adds what concerns the exchange as a whole.
func (a API) registerSystem(s *web.Server) {
	system := web.Needs(auth.ManageSystem)
	web.Register(s, system, list("listBans", "/api/admin/bans", "Addresses that are not listened to"), a.listBans)
	web.Register(s, system, create("ban", "/api/admin/bans", "Listen to an address no longer"), a.ban)
	web.Register(s, system, remove("unban", "/api/admin/bans/{address}", "Listen to an address again"), a.unban)
	web.Register(s, system, list("getSettings", "/api/admin/settings", "The company's settings"), a.getSettings)
	web.Register(s, system, change("changeSettings", "/api/admin/settings", "Change the company's settings"), a.changeSettings)
	web.Register(s, system, list("getSystem", "/api/admin/system", "What runs here and how it is"), a.getSystem)
}

func operation(id, method, path, summary string, status int, errs []int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: status,
		Errors: append([]int(nil), errs...), Tags: []string{"admin"},
	}
}

func list(id, path, summary string) huma.Operation {
	return operation(id, http.MethodGet, path, summary, http.StatusOK, ofList)
}

func get(id, path, summary string) huma.Operation {
	return operation(id, http.MethodGet, path, summary, http.StatusOK, ofGet)
}

func create(id, path, summary string) huma.Operation {
	return operation(id, http.MethodPost, path, summary, http.StatusOK, ofChange)
}

func change(id, path, summary string) huma.Operation {
	return operation(id, http.MethodPatch, path, summary, http.StatusOK, ofChange)
}

func remove(id, path, summary string) huma.Operation {
	return operation(id, http.MethodDelete, path, summary, http.StatusNoContent, ofChange)
}

// changed makes a stored change count everywhere. It is stored whether or not
// this succeeds, and the directory will find it by itself, so the request does
// not fail for it.
func (a API) changed(ctx context.Context) {
	if err := a.Reload(ctx); err != nil {
		a.Log.Warn("a change counts only when the directory is read next", "error", err)
	}
}

// when is a time, or null for none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
