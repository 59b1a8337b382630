import { EmptyState } from "@klapka/kit/ui";
import { Button } from "@mantine/core";
import { IconMapQuestion } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

/** An address nobody lives at. */
export function NotFoundPage() {
  const { t } = useTranslation("admin");
  return (
    <main>
      <EmptyState
        icon={<IconMapQuestion size={30} />}
        order={1}
        title={t("shell.notFound")}
        action={
          <Button component={Link} to="/" variant="light">
            {t("nav.overview")}
          </Button>
        }
      />
    </main>
  );
}
