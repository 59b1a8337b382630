package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web/session"
)

// SignIn is what a person signs in with.
type SignIn struct {
	Login    string `json:"login" minLength:"1" maxLength:"254" doc:"Extension number or e-mail address."`
	Password string `json:"password" minLength:"1" maxLength:"256"`
}

// SessionItem is one sign-in of a person.
type SessionItem struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current" doc:"The one this request was sent with."`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at" doc:"When it was last used."`
	Address   string    `json:"address" doc:"IP address it was last used from."`
	UserAgent string    `json:"user_agent"`
}

type signInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	CSRF      string      `header:"X-CSRF-Token" doc:"To be sent in this header with every change."`
}

type signOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

type sessionsOutput struct {
	Body []SessionItem `nullable:"false"`
}

type sessionPath struct {
	ID string `path:"id" maxLength:"64"`
}

// errNoSignIn is the answer of a server that was made without sessions.
func errNoSignIn() error { return pbx.Errorf(pbx.Unavailable, "nobody can sign in at present") }

// registerSession adds signing in and out, and the list of sign-ins.
func (s *Server) registerSession() {
	Register(s, Open(), huma.Operation{
		OperationID: "signIn", Method: http.MethodPost, Path: "/api/session", Summary: "Sign in",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.signIn)
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "signOut", Method: http.MethodDelete, Path: "/api/session", Summary: "Sign out",
		DefaultStatus: http.StatusNoContent,
	}, s.signOut)
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "listSessions", Method: http.MethodGet, Path: "/api/me/sessions",
		Summary: "Where one is signed in, the most recently used first",
	}, s.listSessions)
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "endSession", Method: http.MethodDelete, Path: "/api/me/sessions/{id}",
		Summary: "Sign out elsewhere", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.endSession)
}

func (s *Server) signIn(ctx context.Context, in *struct{ Body SignIn }) (*signInOutput, error) {
	if s.opts.Sessions == nil {
		return nil, errNoSignIn()
	}
	value, who, err := s.opts.Sessions.SignIn(ctx, in.Body.Login, in.Body.Password, From(ctx))
	if err != nil {
		return nil, err
	}
	return &signInOutput{SetCookie: cookie(value, isSecure(ctx)), CSRF: who.CSRF}, nil
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	if err := s.opts.Sessions.End(ctx, Who(ctx).Session); err != nil {
		return nil, err
	}
	return &signOutOutput{SetCookie: cookie("", isSecure(ctx))}, nil
}

func (s *Server) listSessions(ctx context.Context, _ *struct{}) (*sessionsOutput, error) {
	who := Who(ctx)
	all, err := s.opts.Sessions.List(ctx, who.User.ID)
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{Body: make([]SessionItem, len(all))}
	for i, e := range all {
		out.Body[i] = SessionItem{
			ID: session.ID(e), Current: e.Hash == who.Session.Hash, CreatedAt: e.CreatedAt, SeenAt: e.LastSeen,
			Address: e.IP, UserAgent: e.UserAgent,
		}
	}
	return out, nil
}

func (s *Server) endSession(ctx context.Context, in *sessionPath) (*struct{}, error) {
	return nil, s.opts.Sessions.Revoke(ctx, Who(ctx).User.ID, in.ID)
}
