package admin

import (
	"context"
	"slices"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
)

// AdminPerson is a person as administrators see him.
//
//nolint:revive // the name is the API's, where it tells from the client's Person
type AdminPerson struct {
	ID        string       `json:"id"`
	FirstName string       `json:"first_name"`
	LastName  string       `json:"last_name"`
	Email     string       `json:"email"`
	Mobile    string       `json:"mobile"`
	Role      pbx.Role     `json:"role" enum:"user,supervisor,administrator"`
	Language  pbx.Language `json:"language" enum:"en,de,cs"`
	Disabled  bool         `json:"disabled"`
	CanSignIn bool         `json:"can_sign_in" doc:"Has a password."`
	Extension *string      `json:"extension" doc:"null: none"`
}

// PersonInput is what an administrator says of somebody new.
type PersonInput struct {
	FirstName string       `json:"first_name" maxLength:"100"`
	LastName  string       `json:"last_name" maxLength:"100"`
	Email     string       `json:"email,omitempty" maxLength:"254"`
	Mobile    string       `json:"mobile,omitempty" maxLength:"20" doc:"E.164 with +."`
	Role      pbx.Role     `json:"role,omitempty" enum:"user,supervisor,administrator" default:"user"`
	Language  pbx.Language `json:"language,omitempty" enum:"en,de,cs" default:"en"`
	Disabled  bool         `json:"disabled,omitempty"`
	Extension Text         `json:"extension,omitempty" doc:"Number to create for him."`
	Password  string       `json:"password,omitempty" maxLength:"256" doc:"At least 12 characters; without one he cannot sign in."`
	Device    string       `json:"device,omitempty" maxLength:"100" doc:"Name of a first phone to create."`
}

// PersonChange is what is to be changed of a person; what is left out stays.
type PersonChange struct {
	FirstName *string       `json:"first_name,omitempty" maxLength:"100"`
	LastName  *string       `json:"last_name,omitempty" maxLength:"100"`
	Email     *string       `json:"email,omitempty" maxLength:"254"`
	Mobile    *string       `json:"mobile,omitempty" maxLength:"20"`
	Role      *pbx.Role     `json:"role,omitempty" enum:"user,supervisor,administrator"`
	Language  *pbx.Language `json:"language,omitempty" enum:"en,de,cs"`
	Disabled  *bool         `json:"disabled,omitempty"`
	Extension Text          `json:"extension,omitempty" doc:"Another number, created if nobody has it; null takes it away. The old one goes, unless devices are on it."`
	Password  string        `json:"password,omitempty" maxLength:"256" doc:"A new password; ends his sign-ins."`
}

// CreatedPerson is somebody new, with the secret of his first phone, which
// nobody learns again.
type CreatedPerson struct {
	AdminPerson
	Phone web.Nullable[DeviceSecret] `json:"phone" doc:"null: none was asked for"`
}

type (
	personPath struct {
		ID string `path:"id" maxLength:"64"`
	}
	personChange struct {
		ID   string `path:"id" maxLength:"64"`
		Body PersonChange
	}
	peopleOutput struct {
		Body []AdminPerson `nullable:"false"`
	}
	personOutput  struct{ Body AdminPerson }
	createdPerson struct{ Body CreatedPerson }
)

func personOf(u pbx.User, extension string) AdminPerson {
	return AdminPerson{
		ID: u.ID, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Mobile: u.Mobile, Role: u.Role,
		Language: u.Language, Disabled: u.Disabled, CanSignIn: u.PasswordHash != "", Extension: null(extension),
	}
}

func (a API) listPeople(ctx context.Context, _ *struct{}) (*peopleOutput, error) {
	users, err := a.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	extensions, err := a.Store.Extensions(ctx)
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]string, len(extensions))
	for _, e := range extensions {
		numbers[e.UserID] = e.Number
	}
	out := &peopleOutput{Body: make([]AdminPerson, len(users))}
	for i, u := range users {
		out.Body[i] = personOf(u, numbers[u.ID])
	}
	return out, nil
}

func (a API) getPerson(ctx context.Context, in *personPath) (*personOutput, error) {
	u, err := a.Store.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	number, err := numberOf(ctx, a.Store, in.ID)
	return &personOutput{personOf(u, number)}, err
}

// numberOf is a person's number, "" when he has none.
func numberOf(ctx context.Context, s pbx.Extensions, userID string) (string, error) {
	e, err := s.ExtensionOf(ctx, userID)
	if pbx.CodeOf(err) == pbx.NotFound {
		return "", nil
	}
	return e.Number, err
}

func (a API) createPerson(ctx context.Context, in *struct{ Body PersonInput }) (*createdPerson, error) {
	b := in.Body
	p, err := a.Accounts.CreatePerson(ctx, auth.NewPerson{
		User: pbx.User{
			FirstName: b.FirstName, LastName: b.LastName, Email: b.Email, Mobile: b.Mobile, Role: b.Role,
			Language: b.Language, Disabled: b.Disabled,
		},
		Number: b.Extension.Value, Password: b.Password, Device: b.Device,
	})
	if err != nil {
		return nil, field(field(err, "number", "extension"), "name", "device")
	}
	a.changed(ctx)
	out := &createdPerson{CreatedPerson{AdminPerson: personOf(p.User, p.Extension.Number)}}
	if p.Secret != "" {
		out.Body.Phone = web.Some(a.secret(p.Device, p.Secret))
	}
	return out, nil
}

func (a API) changePerson(ctx context.Context, in *personChange) (*personOutput, error) {
	by := web.Who(ctx).User.ID
	if err := mayChoose(in, by); err != nil {
		return nil, err
	}
	var before, after pbx.User
	var number string
	err := a.within(ctx, func(tx pbx.People) (err error) {
		if before, err = tx.User(ctx, in.ID); err != nil {
			return err
		}
		if after, err = update(ctx, tx, before, in.Body, by); err != nil {
			return err
		}
		number, err = renumber(ctx, tx, in.ID, in.Body.Extension)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	if in.Body.Password != "" {
		if err := a.Accounts.SetPassword(ctx, in.ID, in.Body.Password); err != nil {
			return nil, err
		}
	}
	if after.Disabled && !before.Disabled {
		a.dropExtension(ctx, number)
	}
	if after.Disabled || in.Body.Password != "" {
		if err := a.Sessions.EndAll(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return a.getPerson(ctx, &personPath{in.ID})
}

// within is a transaction in which rights may be taken.
func (a API) within(ctx context.Context, change func(pbx.People) error) error {
	a.rights.Lock()
	defer a.rights.Unlock()
	return a.Store.Within(ctx, change)
}

// mayChoose checks a new password before anything is changed. One's own is
// changed where the old one is asked for.
func mayChoose(in *personChange, by string) error {
	switch {
	case in.Body.Password == "":
		return nil
	case in.ID == by:
		return pbx.FieldErrorf("password", "change your own password in your own settings")
	}
	return auth.CheckPassword(in.Body.Password)
}

// update stores the changed user, unless that would leave nobody to administer
// the exchange, or lock out who does it.
func update(ctx context.Context, tx pbx.People, u pbx.User, c PersonChange, by string) (pbx.User, error) {
	wasAdministrator := administers(u)
	set(&u.FirstName, c.FirstName)
	set(&u.LastName, c.LastName)
	set(&u.Email, c.Email)
	set(&u.Mobile, c.Mobile)
	set(&u.Role, c.Role)
	set(&u.Language, c.Language)
	set(&u.Disabled, c.Disabled)
	if wasAdministrator && !administers(u) {
		name := "role"
		if u.Disabled {
			name = "disabled"
		}
		if err := mayGo(ctx, tx, u.ID, by, name); err != nil {
			return u, err
		}
	}
	return u, tx.UpdateUser(ctx, &u)
}

func administers(u pbx.User) bool { return u.Role == pbx.RoleAdministrator && !u.Disabled }

// mayGo refuses to take an administrator's rights when nobody else has them, or
// when it is the one who asks.
func mayGo(ctx context.Context, tx pbx.Users, id, by, field string) error {
	users, err := tx.Users(ctx)
	if err != nil {
		return err
	}
	other := slices.ContainsFunc(users, func(u pbx.User) bool {
		return u.ID != id && administers(u) && u.PasswordHash != ""
	})
	switch {
	case !other:
		return &pbx.Error{Code: pbx.Conflict, Field: field, Message: "this is the last administrator who can sign in"}
	case id == by:
		return &pbx.Error{Code: pbx.Conflict, Field: field, Message: "you cannot take your own rights; another administrator can"}
	}
	return nil
}

// renumber gives a person another number, or none, and returns the one he has
// then. A number with devices is in use and stays.
func renumber(ctx context.Context, tx pbx.People, userID string, to Text) (string, error) {
	have, err := numberOf(ctx, tx, userID)
	if err != nil || !to.Given || to.Value == have {
		return have, err
	}
	if have != "" {
		if err := tx.DeleteExtension(ctx, have); err != nil {
			return have, inField(err, "extension")
		}
	}
	if to.Value == "" {
		return "", nil
	}
	e, err := tx.Extension(ctx, to.Value)
	switch {
	case pbx.CodeOf(err) == pbx.NotFound:
		e = pbx.Extension{Number: to.Value, UserID: userID}
		return to.Value, field(tx.CreateExtension(ctx, &e), "number", "extension")
	case err != nil:
		return have, err
	case e.UserID != "":
		return have, &pbx.Error{Code: pbx.Conflict, Field: "extension", Message: "this number is taken"}
	}
	e.UserID = userID
	return to.Value, tx.UpdateExtension(ctx, &e)
}

// inField makes an error one of a field.
func inField(err error, name string) error {
	if pbx.CodeOf(err) != pbx.Conflict {
		return err
	}
	return field(err, "", name)
}

func (a API) deletePerson(ctx context.Context, in *personPath) (*struct{}, error) {
	err := a.within(ctx, func(tx pbx.People) error {
		u, err := tx.User(ctx, in.ID)
		if err != nil {
			return err
		}
		if administers(u) {
			if err := mayGo(ctx, tx, in.ID, web.Who(ctx).User.ID, ""); err != nil {
				return err
			}
		}
		return tx.DeleteUser(ctx, in.ID)
	})
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	return nil, a.Sessions.EndAll(ctx, in.ID)
}
