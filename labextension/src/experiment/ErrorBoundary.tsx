/** Keeps the failure of one part of a page from blanking the others. */

import { Component, type ErrorInfo, type JSX, type ReactNode } from 'react';

import type { Trans } from '../i18n';

interface Props {
  readonly trans: Trans;
  readonly children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error('aiplat: a part of the page failed.', error, info.componentStack);
  }

  override render(): ReactNode {
    const { trans, children } = this.props;
    const { error } = this.state;
    return error ? (
      <FailureCard
        what={trans.__('This part of the page failed.')}
        detail={error.message}
        trans={trans}
        onRetry={() => this.setState({ error: null })}
      />
    ) : (
      children
    );
  }
}

interface FailureProps {
  readonly what: string;
  readonly detail: string;
  readonly trans: Trans;
  readonly onRetry: () => void;
}

/** What happened, why, and what can be done. */
export function FailureCard({ what, detail, trans, onRetry }: FailureProps): JSX.Element {
  return (
    <div className="aiplat-PageFailure" role="alert">
      <p>{what}</p>
      <button type="button" className="aiplat-TextButton" onClick={onRetry}>
        {trans.__('Retry')}
      </button>
      <details>
        <summary>{trans.__('Details')}</summary>
        <code>{detail}</code>
      </details>
    </div>
  );
}
