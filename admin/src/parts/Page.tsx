import { Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A room's head: what it is, what it is for, and the main thing to do in it. */
export function Page(props: {
  title: string;
  text?: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Stack maw={1200} mx="auto" gap="md">
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={1} size="h2">
            {props.title}
          </Title>
          {props.text && (
            <Text c="dimmed" size="sm" maw="70ch">
              {props.text}
            </Text>
          )}
        </div>
        {props.action}
      </Group>
      {props.children}
    </Stack>
  );
}
