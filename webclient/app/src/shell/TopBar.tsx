import { ConnectionLamp } from "@klapka/kit/ui";
import { Box, Group } from "@mantine/core";
import { AccountMenu } from "./AccountMenu.tsx";
import { MediaLamp } from "./MediaLamp.tsx";
import { Omnibox } from "./Omnibox.tsx";
import classes from "./Shell.module.css";

/** Search and dial, whether the page is live, and who is signed in. */
export function TopBar() {
  return (
    <header className={classes.top}>
      <Box flex={1} maw={560}>
        <Omnibox />
      </Box>
      <Group gap="md" ms="auto" wrap="nowrap">
        <MediaLamp />
        <ConnectionLamp />
        <AccountMenu />
      </Group>
    </header>
  );
}
