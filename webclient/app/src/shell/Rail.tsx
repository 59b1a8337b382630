import { LogoMark } from "@klapka/kit/brand";
import {
  IconAddressBook,
  IconAdjustments,
  IconDialpad,
  IconHistory,
  IconShieldCog,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMe } from "../me.ts";
import classes from "./Shell.module.css";

const places = [
  { to: "/", key: "people", icon: IconAddressBook, narrow: false },
  { to: "/dial", key: "dial", icon: IconDialpad, narrow: true },
  { to: "/history", key: "history", icon: IconHistory, narrow: false },
  { to: "/settings", key: "settings", icon: IconAdjustments, narrow: false },
] as const;

/** The ways to every page; the portal's only for those who may enter it (Y-06, Y-76). */
export function Rail() {
  const { t } = useTranslation("app");
  const { user } = useMe();
  return (
    <nav className={classes.rail} aria-label={t("shell.nav")}>
      <div className={classes.brand}>
        <LogoMark size={38} />
      </div>
      {places.map(({ to, key, icon: Icon, narrow }) => (
        <Link
          key={key}
          to={to}
          activeOptions={{ exact: to === "/" }}
          className={`${classes.link ?? ""} ${narrow ? (classes.narrowOnly ?? "") : ""}`}
        >
          <Icon size={24} stroke={1.7} aria-hidden />
          {t(`nav.${key}`)}
        </Link>
      ))}
      {user.role === "administrator" && (
        <a href="/admin/" className={`${classes.link ?? ""} ${classes.bottom ?? ""}`}>
          <IconShieldCog size={24} stroke={1.7} aria-hidden />
          {t("nav.admin")}
        </a>
      )}
    </nav>
  );
}
