import {
  IconAntenna,
  IconBan,
  IconDeviceLandlinePhone,
  IconFileText,
  IconHash,
  IconLayoutDashboard,
  IconPhoneCall,
  IconRoute,
  IconSettings,
  IconUsers,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./Shell.module.css";

const groups = [
  {
    key: "now",
    places: [
      ["/", "overview", IconLayoutDashboard],
      ["/calls", "calls", IconPhoneCall],
      ["/registrations", "registrations", IconAntenna],
    ],
  },
  {
    key: "company",
    places: [
      ["/people", "people", IconUsers],
      ["/extensions", "extensions", IconHash],
      ["/devices", "devices", IconDeviceLandlinePhone],
    ],
  },
  {
    key: "past",
    places: [
      ["/records", "records", IconFileText],
      ["/trace", "trace", IconRoute],
    ],
  },
  {
    key: "system",
    places: [
      ["/bans", "bans", IconBan],
      ["/settings", "settings", IconSettings],
    ],
  },
] as const;

/** The rooms of the portal, by what one comes for. */
export function SideNav({ open }: { open: boolean }) {
  const { t } = useTranslation("admin");
  return (
    <nav className={classes.side} data-open={open} aria-label={t("shell.nav")}>
      {groups.map(({ key, places }) => (
        <div key={key} role="group" aria-labelledby={`nav-${key}`}>
          <div id={`nav-${key}`} className={classes.group}>
            {t(`nav.${key}`)}
          </div>
          {places.map(([to, name, Icon]) => (
            <Link key={name} to={to} activeOptions={{ exact: to === "/" }} className={classes.link}>
              <Icon size={20} stroke={1.7} aria-hidden />
              {t(`nav.${name}`)}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}
