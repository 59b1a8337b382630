import { LogoMark } from "@klapka/kit/brand";
import { useApi } from "@klapka/kit/api";
import { EmptyState } from "@klapka/kit/ui";
import { Burger, Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconLock } from "@tabler/icons-react";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { SideNav } from "./SideNav.tsx";
import { UserMenu } from "./UserMenu.tsx";
import classes from "./Shell.module.css";

/** What surrounds every room of the portal. */
export function Shell() {
  const { t } = useTranslation("admin");
  const { data: me } = useApi().query.useSuspenseQuery("get", "/api/me");
  const [open, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  useEffect(close, [pathname, close]);
  if (me.user.role !== "administrator") return <Forbidden />;
  return (
    <div className={classes.shell}>
      <a className="k-skip" href="#main">
        {t("shell.skip")}
      </a>
      <header className={classes.top}>
        <Burger
          className={classes.burger}
          size="sm"
          color="#fff"
          opened={open}
          onClick={toggle}
          aria-label={t("shell.menu")}
          aria-expanded={open}
        />
        <LogoMark size={32} />
        <Text className={classes.name}>
          Klapka <span>{t("shell.portal")}</span>
        </Text>
        <Group ms="auto">
          <UserMenu user={me.user} />
        </Group>
      </header>
      <SideNav open={open} />
      <main id="main" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function Forbidden() {
  const { t } = useTranslation("admin");
  return (
    <main>
      <EmptyState
        icon={<IconLock size={30} />}
        order={1}
        title={t("shell.forbidden")}
        text={t("shell.forbiddenHint")}
        action={
          <Button component="a" href="/" variant="light">
            {t("shell.client")}
          </Button>
        }
      />
    </main>
  );
}
