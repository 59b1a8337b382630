package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web/session"
)

// Profile is a person as he sees himself.
type Profile struct {
	ID        string       `json:"id"`
	Name      string       `json:"name" doc:"First and last name."`
	FirstName string       `json:"first_name"`
	LastName  string       `json:"last_name"`
	Email     string       `json:"email"`
	Role      pbx.Role     `json:"role" enum:"user,supervisor,administrator"`
	Language  pbx.Language `json:"language" enum:"en,de,cs"`
}

// OwnExtension is a person's own number.
type OwnExtension struct {
	Number string `json:"number"`
	Name   string `json:"name" doc:"What others see when it calls."`
}

// Self is who somebody is, as the socket tells it.
type Self struct {
	User      Profile                `json:"user"`
	Extension Nullable[OwnExtension] `json:"extension" doc:"null: no number in service"`
}

// Me is who is signed in.
type Me struct {
	Self
	CSRF string `json:"csrf" doc:"To be sent as X-CSRF-Token with every change."`
}

// MeChange is what a person may change of himself.
type MeChange struct {
	Language pbx.Language `json:"language,omitempty" enum:"en,de,cs"`
}

// PasswordChange is a new password with the proof of the old one.
type PasswordChange struct {
	Old string `json:"old" minLength:"1" maxLength:"256"`
	New string `json:"new" minLength:"1" maxLength:"256" doc:"At least 12 characters."`
}

// SelfOf is the view of somebody who is signed in.
func SelfOf(who session.Identity) Self {
	u := who.User
	self := Self{User: Profile{
		ID: u.ID, Name: u.Name(), FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Role: u.Role, Language: u.Language,
	}}
	if e := who.Extension; e.Number != "" {
		name := e.Name
		if name == "" {
			name = u.Name()
		}
		self.Extension = Some(OwnExtension{Number: e.Number, Name: name})
	}
	return self
}

type meOutput struct{ Body Me }

// registerAccount adds what a person may do with his own account.
func (s *Server) registerAccount() {
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "me", Method: http.MethodGet, Path: "/api/me", Summary: "Who is signed in",
	}, func(ctx context.Context, _ *struct{}) (*meOutput, error) {
		who := Who(ctx)
		return &meOutput{Me{SelfOf(who), who.CSRF}}, nil
	})
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "changeMe", Method: http.MethodPatch, Path: "/api/me", Summary: "Change one's language",
		Errors: []int{http.StatusUnprocessableEntity},
	}, s.changeMe)
	Register(s, Needs(auth.OwnAccount), huma.Operation{
		OperationID: "changePassword", Method: http.MethodPost, Path: "/api/me/password",
		Summary:     "Change one's password",
		Description: "Every other sign-in ends, and its pages are disconnected.",
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests}, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *struct{ Body PasswordChange }) (*struct{}, error) {
		return nil, s.opts.Sessions.ChangePassword(ctx, Who(ctx), in.Body.Old, in.Body.New, From(ctx))
	})
}

func (s *Server) changeMe(ctx context.Context, in *struct{ Body MeChange }) (*meOutput, error) {
	who := Who(ctx)
	if in.Body.Language != "" {
		u, err := s.opts.Sessions.SetLanguage(ctx, who.User.ID, in.Body.Language)
		if err != nil {
			return nil, err
		}
		who.User = u
	}
	return &meOutput{Me{SelfOf(who), who.CSRF}}, nil
}
