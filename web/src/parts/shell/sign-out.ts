import { isSignedOut, send } from "../../api/client.ts";

/** Ends the session here and forgets all that was read in it. */
export async function signOut(): Promise<void> {
  try {
    await send("DELETE", "/session");
  } catch (error) {
    if (!isSignedOut(error)) throw error;
  }
  sessionStorage.clear();
  location.assign("/sign-in");
}
