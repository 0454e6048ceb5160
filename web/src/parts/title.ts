import { useEffect } from "react";

const PRODUCT = "Sightline";

/** Names the browser's tab for as long as the page is shown; nothing leaves it to somebody else. */
export function useTitle(page: string | undefined): void {
  useEffect(() => {
    if (!page) return;
    document.title = `${page} · ${PRODUCT}`;
    return () => {
      document.title = PRODUCT;
    };
  }, [page]);
}
